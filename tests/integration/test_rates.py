"""rate_limit: how much a peer may send, as a real mail server and its clients see it."""

import json

from scenario import ANNA, FABRIKAM, ORGANIZATION, PRINTER, Scenario, message, wait

SCANNER = "scanner@contoso.example"
SECOND, THIRD, FOURTH, FIFTH = (f"10.20.0.{n}" for n in (21, 22, 23, 24))
CONFIG = ORGANIZATION + """
inbound = (
  { name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24", "2001:db8:20::/48" ]; recipients = "internal"; max_message_size = "20K";
    rate_limit = { messages = MESSAGES; per = "1d"; key = "source"; }; },
  { name = "fabrikam"; type = "partner"; sender_domains = "fabrikam.example"; source_ips = [ "203.0.113.0/28", "2001:db8:9::/48" ];
    rate_limit = { messages = 2; per = "1d"; key = "sender"; }; }
);
"""


class Rates(Scenario):
    config = CONFIG.replace("MESSAGES", "5")

    def flood(self, client, tries, sender=SCANNER):
        """Messages one after the other in a session; the codes of the replies that decided."""
        with self.host.connect(client) as session:
            return [str(session.send(sender, ANNA, message(sender)).reply)[:10].strip() for _ in range(tries)]

    def accepted_of(self, replies):
        """Nothing but acceptances first and 450 4.7.28 then; how many acceptances."""
        count = sum(reply.startswith("250") for reply in replies)
        self.assertTrue(all(reply.startswith("250") for reply in replies[:count]), replies)
        self.assertEqual(replies[count:], ["450 4.7.28"] * (len(replies) - count))
        return count

    def nothing_under_way(self):
        """Waits until the daemon has heard of every end."""
        wait.until(lambda: json.loads(self.host.daemon.control_tool("--json", "status")[1])["in_flight"] == 0, "no message in flight")

    def test_flood(self):
        """a printer floods: exactly its number gets through, the rest may try again later, and another printer notices nothing"""
        self.assertEqual(self.accepted_of(self.flood(PRINTER, 12)), 5)
        self.refused(self.send(SCANNER, client=PRINTER), "450 4.7.28", "rate", "printers")
        self.accepted(self.send(SCANNER, client=SECOND), "printers", "device")

    def test_many_connections(self):
        """the same over many connections at once, each with a message under way"""
        sessions = [self.host.connect(THIRD) for _ in range(8)]
        try:
            for session in sessions:
                session.mail(SCANNER)
            replies = [session.rcpt(ANNA) for session in sessions]
            self.assertEqual(sorted(reply.code for reply in replies), [250] * 5 + [450] * 3)
        finally:
            for session in sessions:
                session.command("QUIT")
                session.close()
        self.nothing_under_way()
        self.assertEqual(self.accepted_of(self.flood(THIRD, 7)), 5)  # none of them was sent

    def test_refused_mail_does_not_count(self):
        """what was refused, reset or given up costs nothing"""
        too_large = message(SCANNER, body=("y" * 70 + "\r\n") * 400)
        with self.host.connect(FOURTH) as session:
            for _ in range(4):
                self.assertEqual(session.send(SCANNER, "someone@elsewhere.example", message(SCANNER)).reply.code, 550)
                self.assertEqual(session.send(SCANNER, ANNA, too_large).reply.code, 552)
                session.mail(SCANNER)
                self.assertEqual(session.rcpt(ANNA).code, 250)
                self.assertEqual(session.command("RSET").code, 250)
        for _ in range(4):
            session = self.host.connect(FOURTH)
            session.mail(SCANNER)
            self.assertEqual(session.rcpt(ANNA).code, 250)
            session.close()
        self.nothing_under_way()
        self.assertEqual(self.accepted_of(self.flood(FOURTH, 7)), 5)

    def test_reload(self):
        """a reload keeps the count, also when the limit changes"""
        self.assertEqual(self.accepted_of(self.flood(FIFTH, 3)), 3)
        self.reload(self.config)
        self.assertEqual(self.accepted_of(self.flood(FIFTH, 1)), 1)
        self.reload(CONFIG.replace("MESSAGES", "7"))
        self.assertEqual(self.accepted_of(self.flood(FIFTH, 5)), 3)
        self.assertEqual(self.accepted_of(self.flood("10.20.0.25", 9)), 7)

    def stats(self):
        status, text = self.host.daemon.control_tool("--json", "stats")
        self.assertEqual(status, 0, text)
        return json.loads(text)

    def test_stats(self):
        """stats counts by connector, action, rule and TLS version, also over a reload, and shows the fullest limits"""
        def numbers():
            stats = self.stats()
            printers = next((row for row in stats["connectors"] if row["name"] == "printers"), {})
            return [printers.get("accept", 0), printers.get("tempfail", 0), printers.get("reject", 0), stats["actions"]["accept"],
                    stats["actions"]["tempfail"], stats["rules"].get("rate", 0), stats["tls"].get("none", 0), stats["tls"].get("TLSv1.3", 0)]
        client, before = "10.20.0.27", numbers()
        self.flood(client, 7)
        self.reload(self.config)
        self.send(SCANNER, "someone@elsewhere.example", client=client)
        self.send("a@b.example", client="192.0.2.66", tls=True)
        self.assertEqual([now - then for now, then in zip(numbers(), before)], [5, 2, 1, 6, 2, 2, 8, 1])
        rates = [use for use in self.stats()["rates"] if use["value"] == client]
        self.assertEqual(rates, [{"connector": "printers", "mode": "enforce", "key": "source", "value": client, "used": 5.0, "messages": 5, "per": "1d"}])
        status, text = self.host.daemon.control_tool("stats")
        self.assertEqual(status, 0, text)
        for line in (r"messages: \d+", r"rules\.rate: \d+", r"tls\.TLSv1\.3: \d+", r"CONNECTOR +TYPE +ACCEPT +TAG .*", r"printers +device +\d+ .*",
                     rf"printers +enforce +source +{client} +5\.0 of 5 in 1d"):
            self.assertRegex(text, rf"(?m)^{line}$")

    def test_status(self):
        """status numbers the policies and tells what the last reload came to"""
        def ask():
            return json.loads(self.host.daemon.control_tool("--json", "status")[1])
        first = ask()
        self.assertEqual((first["last_reload"]["ok"], first["config_file"]), (True, str(self.host.daemon.config_file)))
        self.reload(self.config)
        second = ask()
        self.assertEqual(second["policy_number"], first["policy_number"] + 1)
        self.assertGreaterEqual(second["uptime"], first["uptime"])
        self.host.daemon.configure(self.config + "nonsense = 1;")
        self.assertEqual(self.host.daemon.control_tool("reload")[0], 1)
        third = ask()
        self.assertEqual(third["policy_number"], second["policy_number"])
        self.assertFalse(third["last_reload"]["ok"])
        self.assertIn("nonsense", third["last_reload"]["diagnostics"][0])
        self.assertEqual(third["policy_loaded"], second["policy_loaded"])

    def test_by_sender(self):
        """a limit by sender: each sender has its own"""
        for sender in ("a@fabrikam.example", "b@fabrikam.example"):
            self.assertEqual(self.accepted_of(self.flood(FABRIKAM, 3, sender)), 2)
        self.assertEqual(self.accepted_of(self.flood("203.0.113.10", 1, "A@Fabrikam.example")), 0)

    def test_every_recipient(self):
        """every recipient of a message too many is put off, but for those that are refused anyway"""
        client = "10.20.0.26"
        self.assertEqual(self.accepted_of(self.flood(client, 5)), 5)
        outcome = self.send(SCANNER, [ANNA, "someone@elsewhere.example", "bert@contoso.example"], client=client)
        self.assertEqual([reply.code for reply in outcome.transaction.recipients], [450, 550, 450])
