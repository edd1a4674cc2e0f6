"""require_header through real Postfix: one certificate, many tenants of one provider, and only ours is ours.

The listener `bare` runs no milter; `cloud` and `plant` let relay what `connectorctl postfix` gives as an example for them.
"""

from private_mta.sink import fingerprint
from scenario import ANNA, EXCHANGE, FABRIKAM, ORGANIZATION, STRANGER, Scenario, message

CONFIG = ORGANIZATION.replace("};", 'protect = "enforce"; };', 1) + """
policy = { };
inbound = (
  { name = "cloud"; type = "on_premises"; certificates = "exchange.contoso.example"; accept_headers = true;
    require_header = { name = "X-OriginatorOrg"; values = [ "contoso.example", "contoso.onmicrosoft.example" ]; }; },
  { name = "plant"; type = "on_premises"; source_ips = "10.1.0.0/24"; on_violation = "tempfail";
    require_header = { name = "X-MS-Exchange-Organization-Site"; values = "plant"; }; },
  { name = "fabrikam"; type = "partner"; sender_domains = "fabrikam.example"; source_ips = "203.0.113.9"; }
);
"""
OURS, OTHERS = "X-OriginatorOrg: contoso.example", "X-OriginatorOrg: other.example"
WORLD, BOB = "someone@elsewhere.example", "bob@other.example"
SHARED = {"client": "192.0.2.25", "certificate": "exchange"}
SITE = "X-MS-Exchange-Organization-Site: plant"


class RequiredHeader(Scenario):
    config = CONFIG

    @classmethod
    def arrange_host(cls, host):
        host.daemon.configure(cls.config)
        examples = {line["reason"].split(":")[0]: line["example"] for line in host.daemon.postfix_lines(host.postfix.queue)
                    if line.get("name") == "smtpd_relay_restrictions" and "example" in line}
        host.postfix.set(smtpd_tls_fingerprint_digest="sha256", smtpd_tls_ask_ccert="yes",
                         relay_clientcerts=f"inline:{{ {{{fingerprint(host.certificates.client['exchange'][0])} = cloud}} }}")
        host.postfix.add_listener("bare", "mx", "smtpd_milters=")
        for listener in ("cloud", "plant"):
            host.postfix.add_listener(listener, "mx", f"smtpd_relay_restrictions={examples[listener]}")

    def shared(self, sender, *headers, to=ANNA, listener="mx"):
        """A message from the servers that all tenants share."""
        return self.send(sender, to, content=message(sender, headers=headers), listener=listener, **SHARED)

    def test_our_tenant(self):
        """our tenant's mail is internal and keeps the headers it may bring"""
        outcome = self.shared(ANNA, OURS, "X-MS-Exchange-Organization-SCL: -1")
        self.accepted(outcome, "cloud", "internal")
        self.assertEqual((outcome.copy["X-OriginatorOrg"], outcome.copy["X-MS-Exchange-Organization-SCL"]), ("contoso.example", "-1"))

    def test_other_tenant(self):
        """another tenant's mail by the same certificate is a stranger's: no tag, no headers of ours, not our senders"""
        outcome = self.shared(BOB, OTHERS, "X-MS-Exchange-Organization-SCL: -1")
        self.accepted(outcome)
        self.assertEqual((outcome.copy["X-OriginatorOrg"], outcome.copy["X-MS-Exchange-Organization-SCL"]), ("other.example", None))
        self.refused(self.shared(ANNA, OTHERS), "550 5.7.1", "protect")
        self.refused(self.shared("x@fabrikam.example", OTHERS), "550 5.7.1", "source", "fabrikam")
        self.accepted(self.shared(BOB))

    def test_who_may_relay(self):
        """with the printed example our tenant relays outward and another is refused at end of message, with all of its recipients"""
        outcome = self.shared(ANNA, OURS, to=WORLD, listener="cloud")
        self.accepted(outcome, "cloud", "internal")
        self.assertEqual(outcome.copy["Delivered-To"], WORLD)
        for to in (WORLD, [ANNA, WORLD], "someone%elsewhere.example@contoso.example"):
            with self.subTest(to):
                outcome = self.shared(BOB, OTHERS, to=to, listener="cloud")
                self.refused(outcome, "550 5.7.1", "header", "cloud")
                self.assertTrue(all(reply.code == 250 for reply in outcome.transaction.recipients), outcome.transaction)
        outcome = self.send(ANNA, WORLD, client=STRANGER, content=message(ANNA, headers=[OURS]), listener="cloud", tls=True)
        self.assertRegex(str(outcome.transaction.recipients[0]), "Relay access denied")

    def test_policy_service(self):
        """the policy service permits neither: no header is known when a recipient is named"""
        for how in (SHARED, {"client": EXCHANGE}):
            with self.host.connect(listener="bare", **how) as session:
                self.assertEqual(session.mail(ANNA).code, 250)
                self.assertRegex(str(session.rcpt(WORLD)), "Relay access denied")
                self.assertEqual(session.rcpt(ANNA).code, 250)

    def test_forged_by_strangers(self):
        """whoever is not one of the shared servers gains nothing by the header"""
        for how in ({"client": STRANGER}, {"client": STRANGER, "tls": True}, {"client": STRANGER, "certificate": "wrong-name"}):
            with self.subTest(how):
                self.refused(self.send(ANNA, content=message(ANNA, headers=[OURS]), **how), "550 5.7.1", "protect")
                self.accepted(self.send(BOB, content=message(BOB, headers=[OURS, SITE]), **how))
        outcome = self.send("x@fabrikam.example", client=FABRIKAM, content=message("x@fabrikam.example", headers=[OURS]))
        self.accepted(outcome, "fabrikam", "partner")

    def test_forms(self):
        """the other value, folds, blanks, any case of the name, several good fields; nothing else than the value"""
        for headers in (["X-OriginatorOrg: contoso.onmicrosoft.example"], ["X-OriginatorOrg:\r\n\tcontoso.example"], ["X-OriginatorOrg:   contoso.example \t"],
                        ["x-originatorORG : contoso.example"], ["X-OriginatorOrg: contoso.onmicrosoft.example", OURS]):
            with self.subTest(headers):
                self.accepted(self.shared(ANNA, *headers), "cloud", "internal")
        for header in ("X-OriginatorOrg: Contoso.example", "X-OriginatorOrg: contoso.example, other.example", "X-OriginatorOrg: contoso.\r\n example",
                       "X-OriginatorOrg: (c) contoso.example", "X-OriginatorOrg:", "X-OriginatorOrg: =?utf-8?q?contoso.example?=", "X-Originator: contoso.example",
                       "Subject: X-OriginatorOrg: contoso.example", "X-Other: 1\r\n X-OriginatorOrg: contoso.example"):
            with self.subTest(header):
                self.refused(self.shared(ANNA, header), "550 5.7.1", "protect")
        for headers in ([OTHERS, OURS], [OURS, OTHERS]):
            with self.subTest(headers):
                self.refused(self.shared(ANNA, *headers), "550 5.7.1", "protect")

    def test_removed_header(self):
        """a field of headers.strip is read, and then removed"""
        outcome = self.send(ANNA, client=EXCHANGE, content=message(ANNA, headers=[SITE]))
        self.accepted(outcome, "plant", "internal")
        self.assertIsNone(outcome.copy["X-MS-Exchange-Organization-Site"])
        self.accepted(self.send(ANNA, WORLD, client=EXCHANGE, content=message(ANNA, headers=[SITE]), listener="plant"), "plant", "internal")
        self.refused(self.send(BOB, WORLD, client=EXCHANGE, listener="plant"), "451 4.7.1", "header", "plant")

    def test_one_session(self):
        """tenants take turns in one session: each message is judged by its own header"""
        with self.host.connect(**SHARED) as session:
            for headers, connector in (([OURS], "cloud"), ([OTHERS], None), ([], None), ([OURS], "cloud")):
                outcome = self.host.outcome(session.send(BOB, ANNA, message(BOB, headers=headers)))
                self.accepted(outcome, connector, connector and "internal")

    def test_part_of_a_message(self):
        """what stands in an attached message or in the body is no header"""
        content = message(ANNA, headers=["MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b"],
                          body=f"--b\r\nContent-Type: message/rfc822\r\n{OURS}\r\n\r\n{OURS}\r\n\r\n--b--\r\n")
        self.refused(self.send(ANNA, content=content, **SHARED), "550 5.7.1", "protect")
