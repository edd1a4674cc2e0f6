"""`repair` and `rewrite_sender` as an MTA is asked for them on the milter socket: what is negotiated, and the actions word for word."""

import struct

import milter_wire as wire
from milter_wire import MilterClient
from scenario import ANNA, ORGANIZATION, PRINTER, STRANGER, DaemonScenario

SCANNER = "scanner@contoso.example"
CHANGE_SENDER = 0x40  # SMFIF_CHGFROM


def config(extra):
    return ORGANIZATION + f'inbound = ( {{ name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24" ]; recipients = "internal"; {extra} }} );\n'


REWRITING = 'rewrite_sender = "scans@contoso.example";'


class OnTheWire(DaemonScenario):
    config = config("")

    def use(self, extra):
        self.daemon.configure(config(extra))
        status, said = self.daemon.control_tool("reload")
        self.assertEqual(status, 0, said)

    def edits(self, *fields, client=PRINTER, arguments=()):
        """(letter, data) of every action on a message with these header fields."""
        with MilterClient(self.daemon.socket) as session:
            session.negotiate()
            self.assertEqual(session.ask(wire.postfix_connection(client))[1], "c")  # a closed listener is there: it is answered
            begin = wire.macros("M", j="mail.contoso.example", mail_addr=SCANNER) + wire.mail(SCANNER, *arguments)
            self.assertEqual(session.ask(begin)[1], "c")
            self.assertEqual(session.ask(wire.postfix_rcpt(ANNA))[1], "c")
            edits, verdict, _ = session.ask(b"".join(wire.header(*field) for field in fields) + wire.END_OF_MESSAGE)
            self.assertEqual(verdict, "c")
            return edits

    def test_negotiation(self):
        """the right to change senders is asked for while some enforced connector does so, and an MTA that has it not is turned away then alone"""
        for extra, wanted in (("", False), ('repair = "date";', False), (REWRITING, True), (REWRITING + ' mode = "audit";', False),
                              (REWRITING + " enabled = false;", False)):
            with self.subTest(extra):
                self.use(extra)
                with MilterClient(self.daemon.socket) as session:
                    self.assertEqual(bool(session.negotiate()[1] & CHANGE_SENDER), wanted)
                with MilterClient(self.daemon.socket) as session:
                    session.raw(wire.options(actions=wire.ALL_ACTIONS & ~CHANGE_SENDER) + wire.postfix_connection(STRANGER) + wire.postfix_mail(SCANNER))
                    self.assertEqual("c" in [letter for letter, _ in session.rest()], not wanted)

    def test_missing_fields_are_asked_for_as_changes(self):
        """the first instance is changed, wherever the MTA has it: one that it added itself and did not show is replaced, not doubled"""
        self.use('repair = [ "date", "message_id", "from" ];')
        edits = self.edits(("Subject", "x"), ("date", " "), ("Date", ""))
        changes = [(struct.unpack("!I", data[:4])[0], *data[4:].split(b"\0")[:2]) for letter, data in edits if letter == "m"]
        self.assertEqual([(index, name, bool(value)) for index, name, value in changes],
                         [(2, b"Date", False), (1, b"Date", True), (1, b"Message-ID", True), (1, b"From", True)])
        self.assertEqual(changes[3][2].strip(), b"<scanner@contoso.example>")
        self.assertEqual([letter for letter, _ in edits if letter not in "im"], [])

    def test_sender(self):
        """the new sender comes with RET and ENVID as they were given, and nothing else of MAIL"""
        self.use(REWRITING)
        self.assertIn(("e", b"<scans@contoso.example>\0"), self.edits())
        told = self.edits(arguments=("SIZE=1000", "RET=FULL", "BODY=8BITMIME", "envid=a+2Bb", "SMTPUTF8"))
        self.assertIn(("e", b"<scans@contoso.example>\0RET=FULL envid=a+2Bb\0"), told)
        self.assertEqual(self.edits(client=STRANGER), [])
