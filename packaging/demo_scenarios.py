"""The mail that the demo sends, and what must become of each message under conf/examples/contoso.

A row is data only; demo_mail.py sends and judges it. Code 250 means: it arrives at the next hop `at`, or waits in the queue.
"""

from dataclasses import dataclass

ANNA = "anna@contoso.example"
STRANGER, PROVIDER, FABRIKAM, BACKUP_MX = "192.0.2.66", "198.51.100.7", "203.0.113.70", "203.0.113.25"
EXCHANGE, PRINTER, ORDERS, HOTEL = "192.0.2.10", "192.0.2.40", "192.0.2.50", "100.64.3.4"
# Who receives: where conf/examples/contoso says that mail for it goes, and the name in the certificate that is shown there.
NEXT_HOPS = {
    "Exchange": ("[exchange.contoso.example]", "exchange.contoso.example"),
    "Fabrikam": ("[mx.fabrikam.example]", "mx.fabrikam.example"),
    "Northwind": ("[mx.northwind.example]", "mx.stranger.example"),
    "Provider": ("[smtp.provider.example]:587", "smtp.provider.example"),
    "Gateway": ("[192.0.2.77]", "gateway.contoso.example"),
}
FORGED = ("X-Connector-Trust: internal; connector=exchange", "x-connector-trust : device", "X-MS-Exchange-Organization-SCL: -1")


@dataclass
class Row:
    who: str
    sender: str
    client: str
    recipient: str = ANNA       # or several
    listener: str = "mx"
    tls: bool = False
    certificate: str = None     # label in private_mta.certificates
    login: bool = False
    headers: tuple = ()
    parameters: tuple = ()
    helo: str = "client.example"
    bare: bool = False          # without From, Date and Message-ID; it arrives with one of each
    # What must become of it:
    connector: str = None
    code: str = "250"
    rule: str = None
    surplus: str = None         # the reply to the last recipient, beside `code` for the others
    leaves_as: str = None       # the envelope sender that arrives, if it is not `sender`
    trust: str = None           # how X-Connector-Trust begins; None: no such header. It arrives, signed, at Exchange alone
    audit: str = None           # how X-Connector-Audit begins
    keeps: tuple = ()           # of `headers`, those that must arrive; all others must not
    outbound: str = "to-exchange"
    at: str = "Exchange"        # where it arrives: a key of NEXT_HOPS, or None: it waits in the queue
    waits: str = None           # why
    routed: bool = False        # by a rule: X-Connector-Route is there


@dataclass
class Section:
    title: str
    lesson: str
    rows: tuple


def fabrikam(who, **row):
    return Row(who, "bob@fabrikam.example", **row)


def anna(who, recipient, **row):
    return Row(who, ANNA, HOTEL, recipient, "submission", login=True, trust=f"user; src={HOTEL}; ", **row)


def printer(who, sender="scanner@contoso.example", connector="printer-2f", **row):
    return Row(who, sender, PRINTER, listener="relay", helo=PRINTER, connector=connector, **row)


SCANNER, SCANS, BY_PRINTER = "scanner@contoso.example", "scans@contoso.example", "device; connector=printer-2f; "
JOE, BOB = "joe@somewhere.example", "bob@fabrikam.example"
PROVIDED = {"outbound": "to-provider", "at": "Provider"}
RELAY_DENIED = "554 5.7.1"  # by Postfix, which was not told to permit it
CONFIDENTIAL = ("X-Classification: confidential",)
SECTIONS = (
    Section("A partner", "fabrikam.example restricts: its mail must come from its addresses, over TLS, with its certificate, or through the provider.", (
        fabrikam("its own server, TLS, its certificate", client=FABRIKAM, certificate="fabrikam", connector="fabrikam",
                 trust=f"partner; connector=fabrikam; type=partner; src={FABRIKAM}; tls=TLSv1.3; "),
        fabrikam("its certificate from a stranger's address", client=STRANGER, certificate="fabrikam", connector="fabrikam", code="550 5.7.1", rule="source"),
        fabrikam("its own server, but in clear text", client=FABRIKAM, connector="fabrikam", code="550 5.7.10", rule="tls"),
        fabrikam("its own server, TLS, no certificate", client=FABRIKAM, tls=True, connector="fabrikam", code="550 5.7.8", rule="certificate"),
        fabrikam("... a certificate with another name", client=FABRIKAM, certificate="wrong-name", connector="fabrikam", code="550 5.7.8", rule="certificate"),
        fabrikam("... its name, signed by a stranger's CA", client=FABRIKAM, certificate="untrusted", connector="fabrikam", code="550 5.7.8", rule="certificate"),
        fabrikam("... its certificate, good for servers only", client=FABRIKAM, certificate="server-only", connector="fabrikam", code="550 5.7.8",
                 rule="certificate"),
        fabrikam("through the provider, TLS", client=PROVIDER, tls=True, connector="fabrikam", trust="partner; connector=fabrikam; "),
    )),
    Section("The provider lock", "The internet reaches us through the filtering provider only. Naming a partner never opens a hole in the lock: only proof does.", (
        Row("anybody, through the provider", "joe@somewhere.example", PROVIDER, tls=True, connector="provider", trust="partner; connector=provider; "),
        Row("the same mail straight to us", "joe@somewhere.example", STRANGER, tls=True, connector="provider", code="550 5.7.1", rule="source"),
        fabrikam("a stranger who claims fabrikam's domain", client=STRANGER, tls=True, connector="fabrikam", code="550 5.7.1", rule="source"),
        Row("a stranger who claims northwind's", "eve@northwind.example", STRANGER, tls=True, connector="northwind", code="550 5.7.1", rule="source"),
        Row("northwind through the provider, TLS", "kim@northwind.example", PROVIDER, tls=True, connector="northwind", trust="partner; connector=northwind; "),
        Row("... the provider hands it over in clear text", "kim@northwind.example", PROVIDER, connector="northwind", code="550 5.7.10", rule="tls"),
        Row("the backup MX, exempt but not trusted", "joe@somewhere.example", BACKUP_MX, connector="backup-mx"),
        Row("somebody who claims to be us, even through it", "ceo@contoso.example", PROVIDER, tls=True, code="550 5.7.1", rule="protect"),
    )),
    Section("Our own servers", "exchange grants: its mail is internal, and the marks that Exchange itself believes in stay. Its listener is closed to all others.", (
        Row("the Exchange server, TLS, its certificate", ANNA, EXCHANGE, JOE, "relay", certificate="exchange", connector="exchange",
            headers=FORGED[1:], keeps=FORGED[2:], trust="internal; connector=exchange; ", **PROVIDED),
        Row("its address, but no certificate", ANNA, EXCHANGE, listener="relay", tls=True, code="550 5.7.1", rule="protect"),
        Row("a stranger at that listener", "joe@somewhere.example", STRANGER, listener="relay", code="554", rule="closed"),
    )),
    Section("A printer", "printer-2f knows neither TLS nor passwords, greets with its bare address and writes no From, Date or Message-ID, which spam filters "
            "take ill. Its connector adds them, gives its mail a sender who reads bounces, and vouches for it with a signed tag that a filter can believe.", (
        printer("a scan to a colleague, as printers send it", bare=True, trust=BY_PRINTER, leaves_as=SCANS),
        printer("a scan that lacks nothing", trust=BY_PRINTER, leaves_as=SCANS),
        Row("the same scan from a stranger, with a forged tag", SCANNER, STRANGER, tls=True, helo=STRANGER, bare=True, headers=FORGED, connector="provider",
            code="550 5.7.1", rule="source"),
    )),
    Section("A hijacked printer", "Whoever takes it over can do what the printer does, and no more: as the scanner, to ten of our own people. Nothing lets it relay, "
            "so Postfix itself refuses mail to others.", (
        printer("as another sender", sender="ceo@contoso.example", code="550 5.7.1", rule="sender"),
        printer("to eleven recipients: one too many", recipient=tuple(f"user{n}@contoso.example" for n in range(11)), surplus="452 4.5.3", trust=BY_PRINTER,
                leaves_as=SCANS),
        printer("to the internet", recipient=JOE, code=RELAY_DENIED, connector=None),
        printer("to a recipient that Postfix would route on", recipient="victim%evil.example@contoso.example", code=RELAY_DENIED, connector=None),
        printer("25 MB (SIZE= at MAIL)", parameters=("SIZE=26214400",), code="552 5.3.4", rule="size"),
    )),
    Section("People", "A login vouches for senders in our domains.", (
        anna("anna, logged in, from her hotel", JOE, **PROVIDED),
    )),
    Section("Mail to a partner", "to-fabrikam demands TLS that proves the partner's server: without that, the mail waits. Everything else leaves through the provider.", (
        anna("to fabrikam, whose server proves its name", BOB, outbound="to-fabrikam", at="Fabrikam"),
        anna("to northwind, where a stranger's certificate is shown", "kim@northwind.example", outbound="to-northwind", at=None,
             waits="Server certificate not verified"),
        anna("to somebody else", JOE, **PROVIDED),
    )),
    Section("Classified mail", "A rule takes the whole message over a gateway, for our own mail only: a stranger cannot choose a route.", (
        anna("to fabrikam, marked as confidential", BOB, headers=CONFIDENTIAL, keeps=CONFIDENTIAL, outbound="gateway", at="Gateway", routed=True),
        Row("the same header from the internet", "joe@somewhere.example", PROVIDER, tls=True, headers=CONFIDENTIAL + ("X-Connector-Route: gateway",),
            keeps=CONFIDENTIAL, connector="provider", trust="partner; connector=provider; "),
    )),
    Section("Who may relay", "mynetworks is empty. Postfix asks the connectors: a grant may send to others as far as its limits go, nobody else may.", (
        Row("the order system, to our partner", "orders@contoso.example", ORDERS, BOB, "relay", connector="orders", trust="device; connector=orders; ",
            outbound="to-fabrikam", at="Fabrikam"),
        Row("... to somebody it has no business with", "orders@contoso.example", ORDERS, JOE, "relay", code=RELAY_DENIED),
        Row("a stranger", "eve@northwind.example", STRANGER, JOE, tls=True, code=RELAY_DENIED),
        Row("a partner", "bob@fabrikam.example", FABRIKAM, JOE, certificate="fabrikam", code=RELAY_DENIED),
    )),
    Section("Forged headers", "Headers of our family, and those that Exchange would believe, do not survive the way in, however they are spelt.", (
        Row("the internet claims to be internal", "joe@somewhere.example", PROVIDER, tls=True, headers=FORGED + ("X-Spam-Flag: YES",), keeps=("X-Spam-Flag: YES",),
            connector="provider", trust="partner; connector=provider; "),
    )),
    Section("Audit", "tailspin is being tried: nothing is refused yet, but the log and a header say what would be.", (
        Row("tailspin through the provider, TLS", "lea@tailspin.example", PROVIDER, tls=True, connector="provider", trust="partner; connector=provider; "),
        Row("... in clear text, which it would not accept", "lea@tailspin.example", PROVIDER, connector="provider", trust="partner; connector=provider; ",
            audit="would-tempfail; rule=tls; connector=tailspin; "),
    )),
    Section("Nobody's business", "No connector and no rule is about it: delivered as it came, but for forged headers.", (
        Row("anna's private address, logged in", "anna@hobby.example", HOTEL, listener="submission", login=True, headers=FORGED + ("X-Odd:  kept as it was",),
            keeps=("X-Odd:  kept as it was",)),
    )),
)
