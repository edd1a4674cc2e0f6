"""What tests of outbound mail build on: next hops that keep what they get, a Postfix steered by the daemon's maps, the words to judge by."""

import re

from private_mta.sink import Sink, fingerprint
from scenario import EXCHANGE, ORGANIZATION, Scenario

SERVICES = ORGANIZATION + "maps = { };\n"
OWN_SERVER = '{ name = "exchange"; type = "on_premises"; source_ips = [ "10.1.0.0/24" ]; }'
MX_NAME = "mx.fabrikam.example"


class Outbound(Scenario):
    """`next_hops`: name -> what sink.Sink takes; `certificate` is "good", "self-signed" or a name that the CA signs. In `config`, `@NAME@`
    stands for that next hop, `%NAME%` for its certificate's fingerprint. What nothing routes ends in the Maildir, as local mail does."""

    next_hops = {}
    sinks = {}

    @classmethod
    def arrange_host(cls, host):
        cls.certificates, cls.sinks = {}, {}
        cls.certificate_file, cls.key_file = map(str, host.certificates.client["exchange"])
        for number, (name, how) in enumerate(cls.next_hops.items(), 2):
            how = dict(how)
            if kind := how.get("certificate"):
                cls.certificates[name] = how["certificate"] = cls.certificate(host.certificates.authority, name, kind)
            if how.get("ask"):
                how["ask"] = host.certificates.authority.certificate
            cls.sinks[name] = Sink(f"127.0.0.{number}", f"{name}.sink.example", **how).start()
            cls.addClassCleanup(cls.sinks[name].stop)

    @staticmethod
    def certificate(authority, name, kind):
        if kind == "self-signed":
            return authority.self_signed(f"sink-{name}", MX_NAME)
        subject = MX_NAME if kind == "good" else kind
        return authority.issue(f"sink-{name}", subject, names=(subject,))

    @classmethod
    def text(cls, config):
        def place(found):
            kind, name = found.groups()
            return cls.sinks[name].next_hop if kind == "@" else fingerprint(cls.certificates[name][0])
        config = config.replace("@@certificate", cls.certificate_file).replace("@@key", cls.key_file)
        return re.sub(r"([@%])([a-z0-9-]+)\1", place, config)

    def post(self, recipients, sender="anna@contoso.example", client=EXCHANGE, **how):
        """Accepted, whatever becomes of it."""
        outcome = self.host.post(sender, recipients, client=client, **how)
        self.assertEqual(outcome.reply.code, 250, outcome.reply)
        return outcome

    def arrives(self, outcome, name, *recipients):
        """At this next hop, once, for exactly these recipients; returns what arrived."""
        found = self.sinks[name].wait_for(outcome.queue_id)
        self.assertEqual(sorted(to for item in found for to in item.recipients), sorted(recipients))
        return found[0]

    def nowhere_else(self, outcome, *names):
        """Once Postfix is done with the message, only these next hops have seen it; returns who got it in the Maildir."""
        copies = self.host.postfix.messages(outcome.queue_id)
        self.assertEqual({name for name, sink in self.sinks.items() if sink.of(outcome.queue_id)}, set(names))
        return sorted(copy["Delivered-To"] for copy in copies)

    def waits(self, outcome, reason, dsn="4.7.5"):
        """In the queue, for this reason (a pattern), and nobody has it; gone from the queue afterwards."""
        reasons = self.host.postfix.mail_queue.deferred(outcome.queue_id)
        for said in reasons.values():
            self.assertRegex(said, reason)
        self.assertEqual({attempt.dsn for attempt in self.host.postfix.mail_queue.attempts(outcome.queue_id)}, {dsn})
        self.assertEqual([name for name, sink in self.sinks.items() if sink.of(outcome.queue_id)], [])
        self.host.postfix.mail_queue.delete(outcome.queue_id)
        self.assertEqual(self.host.postfix.messages(outcome.queue_id), [])

    def nobody_has(self, recipient):
        """No message to this recipient is in the queue, at a next hop or in the Maildir."""
        copies = self.host.postfix.all_messages()
        self.assertNotIn(recipient, [copy["Delivered-To"] for copy in copies])
        self.assertNotIn(recipient, [to for sink in self.sinks.values() for got in sink.received for to in got.recipients])

    def without_maps(self):
        """The map service is out of reach until the end of the test, the milter is not."""
        path = self.host.daemon.maps
        away = path.with_suffix(".away")

        def move(source, target):
            # Postfix keeps its connections to the service, and for 30 s what came of asking it for `*`.
            source.rename(target)
            self.restart_postfix()
        move(path, away)
        self.addCleanup(move, away, path)

    def restart_postfix(self):
        self.host.postfix.stop()
        self.host.postfix.start()
