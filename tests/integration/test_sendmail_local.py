"""Mail of this machine under real Sendmail: each way in, and what the connectors see of it."""

from private_mta.sendmail_host import SendmailHost
from scenario import ANNA, Scenario, message
from test_sendmail import CONFIG, STRANGER


class LocalPrograms(Scenario):
    kind = SendmailHost
    config = CONFIG

    def test_local_session(self):
        """`sendmail -bs` speaks SMTP on standard input: no client, so it is local submission, and vouched for"""
        letter = b"Subject: x\n\nHello\n"
        script = b"EHLO here\nMAIL FROM:<%s>\nRCPT TO:<%s>\nDATA\n%s.\nQUIT\n" % (ANNA.encode(), ANNA.encode(), letter)
        said = self.host.mta.dialogue(script.decode().splitlines())
        self.assertRegex(said[-2], "^250 .*Message accepted")
        queue_id = said[-2].split()[2]
        copy = self.host.mta.messages(queue_id)[0]
        self.assertRegex(copy["X-Connector-Trust"], r"^local; src=127\.0\.0\.1; tls=none; id=")
        self.assertEqual(self.host.daemon.record(f"{queue_id}:")["action"], "accept")

    def test_session_from_inetd(self):
        """`sendmail -bs` on a connection is no local submission: it has a client"""
        with self.host.mta.inetd(STRANGER) as session:
            session.ehlo()
            outcome = self.host.outcome(session.send(ANNA, ANNA, message(ANNA)))
        self.refused(outcome, "550 5.7.1", "protect")
        self.assertEqual(outcome.record["client"], STRANGER)

    def test_local_program(self):
        """`sendmail -bm` hands its mail over by SMTP: a client on 127.0.0.1, which needs a connector of its own"""
        self.host.mta.sendmail(b"From: <%s>\nSubject: x\n\nHello\n" % ANNA.encode(), "-i", "-f", ANNA, "bob@contoso.example", config="submit")
        record = self.host.daemon.record("client=127.0.0.1 ")
        self.assertEqual((record["rule"], record["action"], record["listener"]), ("protect", "reject", "mx"))
        mark = len(self.host.daemon.log())
        self.reload(CONFIG.replace("inbound = (", 'inbound = (\n{ name = "here"; type = "on_premises"; source_ips = [ "127.0.0.1", "::1" ]; },'))
        self.host.mta.sendmail(b"From: <%s>\nSubject: x\n\nHello\n" % ANNA.encode(), "-i", "-f", ANNA, "bob@contoso.example", config="submit")
        record = self.host.daemon.record("client=127.0.0.1 ", mark)
        self.assertEqual((record["connector"], record["action"]), ("here", "accept"))
