"""Rule-scoped outbound connectors: classified mail over its gateway or not at all, and nobody from outside chooses a route."""

from outbound import MX_NAME, SERVICES, Outbound
from scenario import ANNA, EXCHANGE, FABRIKAM, PRINTER, STRANGER, message

SECRET = "X-Classification: secret"
LEGAL = "lara@legal.contoso.example"
CONFIG = SERVICES + f"""
inbound = (
  {{ name = "exchange"; type = "on_premises"; source_ips = [ "10.1.0.0/24" ]; }},
  {{ name = "handed-back"; type = "on_premises"; source_ips = [ "127.0.0.0/8" ]; }},
  {{ name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24" ]; }},
  {{ name = "fabrikam"; type = "partner"; sender_domains = [ "fabrikam.example" ]; source_ips = [ "203.0.113.0/24" ]; }}
);
outbound = (
  {{ name = "classified"; when = {{ header = {{ name = "X-Classification"; matches = "^(?i)(top )?secret$"; }}; }};
     smart_hosts = [ "@gateway@" ]; tls = "verify"; tls_domains = [ "{MX_NAME}" ]; client_certificate = "@@certificate"; client_key = "@@key"; }},
  {{ name = "legal"; cost = 2; when = {{ sender_domains = [ "legal.contoso.example" ]; }}; smart_hosts = [ "@down@", "@archive@" ]; }},
  {{ name = "of-fabrikam"; cost = 3; when = {{ connectors = [ "fabrikam" ]; header = {{ name = "X-Project"; matches = "moon"; }}; }}; smart_hosts = [ "@scanner@" ]; }},
  {{ name = "of-printers"; cost = 4; when = {{ connectors = [ "printers" ]; }}; recipient_domains = [ ".northwind.example" ]; smart_hosts = [ "@scanner@" ]; }},
  {{ name = "to-tailspin"; recipient_domains = [ "tailspin.example" ]; smart_hosts = [ "@archive@" ]; }},
  {{ name = "provider"; recipient_domains = [ "*" ]; smart_hosts = [ "@provider@" ]; }}
);
"""


def secret(sender=ANNA, *lines):
    return message(sender, headers=(SECRET, *lines))


class Rules(Outbound):
    config = CONFIG
    settings = {"virtual_alias_maps": "inline:{{crew@contoso.example=w@tailspin.example, v@contoso.example}}"}
    next_hops = {"gateway": {"certificate": "good", "ask": True}, "archive": {}, "scanner": {}, "down": {}, "provider": {}}

    @classmethod
    def arrange_host(cls, host):
        super().arrange_host(host)
        cls.sinks["down"].stop()

    def test_header(self):
        """classified mail takes its gateway whole, which sees our certificate: every recipient, local ones and the members of an alias too"""
        recipients = ["x@elsewhere.example", "bob@tailspin.example", ANNA, "crew@contoso.example"]
        outcome = self.post(recipients, content=secret())
        got = self.arrives(outcome, "gateway", *recipients[:3], "w@tailspin.example", "v@contoso.example")
        self.assertEqual((got.tls, got.message["X-Connector-Route"], got.message["X-Connector-Outbound"]), ("TLSv1.3", "classified", "classified"))
        self.assertEqual((got.presented, outcome.record["outbound"]), ("exchange.contoso.example", "classified"))
        self.assertEqual(self.nowhere_else(outcome, "gateway"), [])

    def test_header_spellings(self):
        """folded, a second instance, another case of the name: still classified; a word that is not it: not"""
        for lines, where in ((["X-Classification: public", "X-CLASSIFICATION: Top Secret"], "gateway"), (["X-Classification:\r\n  secret"], "gateway"),
                             (["x-classification:secret"], "gateway"), (["X-Classification : secret \t"], "gateway"), (["X-Classification: top\r\n\tsecret"], "gateway"),
                             (["X-Classification: top \r\n  secret\r\n "], "gateway"), (["X-Classification: secretary"], "provider"), (["X-Classified: secret"], "provider")):
            with self.subTest(lines):
                self.arrives(self.post("x@elsewhere.example", content=message(ANNA, headers=lines)), where, "x@elsewhere.example")

    def test_user(self):
        """a logged-in user's classified mail takes the gateway"""
        outcome = self.post("x@elsewhere.example", client=STRANGER, listener="submission", login=True, content=secret())
        self.arrives(outcome, "gateway", "x@elsewhere.example")

    def test_local_submission(self):
        """so does what a program on this machine submits"""
        content = f"From: root@contoso.example\nTo: x@elsewhere.example\n{SECRET}\n\nDone.\n".encode()
        self.assertEqual(self.host.postfix.sendmail(content, "-f", "root@contoso.example", "-t"), (0, ""))
        self.host.postfix.wait(lambda: [got for got in self.sinks["gateway"].received if got.sender == "root@contoso.example"], "the gateway to get it")

    def test_local_submission_of_a_part(self):
        """a routing header in a part, which may be a stranger's, holds nothing up"""
        content = (b"From: list@contoso.example\nTo: x@elsewhere.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
                   b"--b\nX-Connector-Route: classified\nContent-Type: message/rfc822\n\nX-Connector-Route: classified\n\nHi.\n--b--\n")
        self.assertEqual(self.host.postfix.sendmail(content, "-f", "list@contoso.example", "-t"), (0, ""))
        self.host.postfix.wait(lambda: [got for got in self.sinks["provider"].received if got.sender == "list@contoso.example"], "the provider to get it")

    def test_sender(self):
        """the legal department's mail is archived; its first archive is down"""
        self.arrives(self.post("x@elsewhere.example", sender=LEGAL), "archive", "x@elsewhere.example")

    def test_lowest_cost(self):
        """classified mail of the legal department: the rule of the lower cost has it"""
        outcome = self.post("x@elsewhere.example", sender=LEGAL, content=secret(LEGAL))
        self.arrives(outcome, "gateway", "x@elsewhere.example")
        self.assertEqual(self.nowhere_else(outcome, "gateway"), [])

    def test_inbound_connector(self):
        """a partner's project mail takes its rule, for it is named there; a device's only where a recipient fits"""
        project = message("bob@fabrikam.example", headers=["X-Project: to the moon"])
        self.arrives(self.post(ANNA, sender="bob@fabrikam.example", client=FABRIKAM, content=project), "scanner", ANNA)
        scan = {"sender": "scan@contoso.example", "client": PRINTER}
        self.arrives(self.post(["n@hq.northwind.example", "x@elsewhere.example"], **scan), "scanner", "n@hq.northwind.example", "x@elsewhere.example")
        self.arrives(self.post("x@elsewhere.example", **scan), "provider", "x@elsewhere.example")

    def test_not_for_strangers(self):
        """what a stranger, or a partner that the rule does not name, writes into a header chooses no route"""
        for sender, client in (("a@b.example", STRANGER), ("bob@fabrikam.example", FABRIKAM), (LEGAL, STRANGER)):
            with self.subTest(sender):
                outcome = self.post("x@elsewhere.example", sender=sender, client=client, content=secret(sender))
                self.assertNotIn("X-Connector-Route", self.arrives(outcome, "provider", "x@elsewhere.example").message)

    def test_forged_route(self):
        """routing headers that come with the mail never survive and never steer, whoever sends them and however they are spelt"""
        forged = ["X-Connector-Route: classified", "x-connector-route:legal", "X-Connector-Route : classified", "X-CONNECTOR-ROUTE:\r\n\tclassified",
                  "X-Connector-Outbound: classified", "X-Connector-outbound\t: legal", "X-Connector-Route: FILTER smtp:[127.0.0.9]:25", "X-Connector: classified"]
        for sender, client in ((ANNA, EXCHANGE), ("a@b.example", STRANGER), ("bob@fabrikam.example", FABRIKAM)):
            for lines in (forged, *([line] for line in forged)):
                with self.subTest(lines, client=client):
                    outcome = self.post("x@elsewhere.example", sender=sender, client=client, content=message(sender, headers=lines))
                    got = self.arrives(outcome, "provider", "x@elsewhere.example")
                    ours = [(name, value) for name, value in got.message.items() if name.strip().lower() in ("x-connector", "x-connector-route", "x-connector-outbound")]
                    self.assertEqual(ours, [("X-Connector-Outbound", "provider")])

    def test_forged_route_on_classified_mail(self):
        """nor does a forged one lead classified mail elsewhere"""
        outcome = self.post("x@elsewhere.example", content=secret(ANNA, "X-Connector-Route: legal", "X-Connector-Outbound: provider"))
        got = self.arrives(outcome, "gateway", "x@elsewhere.example")
        self.assertEqual(got.message.get_all("X-Connector-Route"), ["classified"])
        self.assertEqual(self.nowhere_else(outcome, "gateway"), [])

    def test_handed_back(self):
        """what the gateway hands back, our own headers still on it, goes on its usual way and not round again"""
        got = self.arrives(self.post(["x@elsewhere.example", ANNA], content=secret()), "gateway", "x@elsewhere.example", ANNA)
        back = self.post(got.recipients, sender=got.sender, client=self.sinks["gateway"].address, content=got.raw)
        again = self.arrives(back, "provider", "x@elsewhere.example")
        self.assertNotIn("X-Connector-Route", again.message)
        self.assertEqual(self.nowhere_else(back, "provider"), [ANNA])

    def test_renamed_in_the_middle(self):
        """a reload renames the connector between MAIL and the end of the message: tempfail, and the mail goes nowhere"""
        mark = len(self.host.daemon.log())
        with self.host.connect(EXCHANGE) as session:
            self.assertEqual([session.mail(ANNA).code, session.rcpt("renamed@elsewhere.example").code], [250, 250])
            self.reload(CONFIG.replace('name = "classified";', 'name = "top-secret"; transport = "smtp-classified";'))
            reply = session.data(secret())
        self.assertEqual(reply.code // 100, 4, reply)
        self.assertEqual(self.host.daemon.record("client=10.1.0.5", mark)["outbound"], "classified")
        self.nobody_has("renamed@elsewhere.example")
        self.arrives(self.post("y@elsewhere.example", content=secret()), "gateway", "y@elsewhere.example")

    def test_map_service_out_of_reach(self):
        """without the map service classified mail is put off"""
        self.without_maps()
        outcome = self.host.post(ANNA, "unmapped@elsewhere.example", client=EXCHANGE, content=secret())
        self.assertEqual(outcome.reply.code // 100, 4, outcome.reply)
        self.nobody_has("unmapped@elsewhere.example")

    def test_map_service_gone_at_the_end(self):
        """nor does it leave if the map service fails when only its route is still to be asked for"""
        self.restart_postfix()  # no process of it holds a connection to the service that would still be answered
        path = self.host.daemon.maps
        with self.host.connect(EXCHANGE) as session:
            self.assertEqual([session.mail(ANNA).code, session.rcpt("late@elsewhere.example").code], [250, 250])
            path.rename(path.with_suffix(".away"))
            try:
                reply = session.data(secret())
            finally:
                path.with_suffix(".away").rename(path)
        self.assertEqual(reply.code // 100, 4, reply)
        self.nobody_has("late@elsewhere.example")


class Waiting(Outbound):
    """Classified mail whose gateway says "later"."""

    config = CONFIG
    next_hops = {**Rules.next_hops, "stranger": {"certificate": "mx.stranger.example"}}

    def setUp(self):
        self.gateway, self.stranger, self.recipient = self.sinks["gateway"], self.sinks["stranger"], f"{self._testMethodName}@elsewhere.example"
        self.gateway.refuse = "451 4.3.0 Later"
        self.outcome = self.post([ANNA, self.recipient], content=secret())
        self.assertEqual(len(self.host.postfix.mail_queue.deferred(self.outcome.queue_id)), 2)
        self.gateway.refuse = None

    def goes_on(self):
        self.host.postfix.mail_queue.flush(self.outcome.queue_id)
        self.arrives(self.outcome, "gateway", ANNA, self.recipient)
        self.assertEqual(self.nowhere_else(self.outcome, "gateway"), [])

    def test_waits_for_its_gateway(self):
        """it waits and then takes that gateway, no other way"""
        self.goes_on()

    def test_reload(self):
        """its connector is renamed meanwhile: it still goes there, under the same TLS demands"""
        self.reload(CONFIG.replace('name = "classified";', 'name = "top-secret"; transport = "smtp-classified";'))
        self.goes_on()
        self.assertEqual(self.gateway.of(self.outcome.queue_id)[0].tls, "TLSv1.3")

    def test_removed(self):
        """its connector is removed meanwhile: it waits, and does not go to the old gateway without TLS demands"""
        self.reload(CONFIG.replace('name = "classified";', 'name = "classified"; enabled = false;'))
        queue = self.host.postfix.mail_queue
        queue.flush(self.outcome.queue_id)
        self.assertEqual({attempt.status for attempt in queue.settled(self.outcome.queue_id, 2)}, {"deferred"})
        self.assertEqual([name for name, sink in self.sinks.items() if sink.of(self.outcome.queue_id)], [])
        queue.delete()
        self.nobody_has(self.recipient)

    def test_gateway_replaced(self):
        """its connector gets another gateway meanwhile: it waits for the old one to be named again; after a restart, which forgets, the old one must show as much as ever"""
        self.reload(CONFIG.replace('smart_hosts = [ "@gateway@" ]', 'smart_hosts = [ "[127.0.0.99]:25" ]'))
        flush = lambda: {attempt.status for attempt in self.host.postfix.mail_queue.flush(self.outcome.queue_id)}  # noqa: E731
        self.assertEqual(flush(), {"deferred"})
        self.host.daemon.kill()
        self.host.daemon.start()
        good = self.gateway.context
        self.addCleanup(setattr, self.gateway, "context", good)
        for context in (None, self.stranger.context):
            self.gateway.context = context
            self.assertEqual(flush(), {"deferred"})
        self.gateway.context = good
        self.goes_on()

    def test_requeued(self):
        """postsuper -r makes Postfix forget the way: it waits, whoever tries again and however often, and never takes the usual one"""
        queue = self.host.postfix.mail_queue
        queue_id = queue.requeue(self.outcome.queue_id)
        for _ in range(2):
            self.assertEqual(set(queue.deferred(queue_id).values()), {"requeued mail has lost its route"})
            queue.flush(queue_id)
            queue_id = queue.requeue(queue_id)
        self.assertEqual({attempt.status for attempt in queue.settled(queue_id, 2)}, {"deferred"})
        self.assertEqual([name for name, sink in self.sinks.items() if sink.of(queue_id)], [])
        queue.delete()
        self.nobody_has(self.recipient)

    def test_daemon_gone(self):
        """the daemon dies meanwhile: nobody knows the TLS demands, so it waits for the daemon"""
        self.host.daemon.kill()
        try:
            attempts = self.host.postfix.mail_queue.flush(self.outcome.queue_id)
            self.assertEqual({attempt.status for attempt in attempts}, {"deferred"}, attempts)
            self.assertEqual(self.gateway.of(self.outcome.queue_id), [])
        finally:
            self.host.daemon.start()
        self.goes_on()
