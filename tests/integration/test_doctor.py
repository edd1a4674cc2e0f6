"""connectorctl doctor and a real Postfix that is broken in every way it knows, several at a time: it finds these and nothing else.

The Postfix is never started: doctor reads files, and tries sockets that a real daemon listens on.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from private_mta.certificates import Certificates
from private_mta.daemon import ConnectorMilter
from private_mta.postfix import PrivatePostfix
from scenario import build_directory, check_end

CONFIG = """
organization = { domains = [ ".contoso.example" ]; };
listeners = ( { name = "mx"; }, { name = "relay"; closed = true; }, { name = "submission"; } );
maps = { socket = "unix:/var/spool/postfix/connector-milter/maps.sock"; };
policy = { socket = "unix:/var/spool/postfix/connector-milter/policy.sock"; };
inbound = (
  { name = "printers"; type = "device"; source_ips = "10.20.0.0/24"; listeners = "relay"; },
  { name = "fabrikam"; type = "partner"; sender_domains = "fabrikam.example"; certificates = "mail.fabrikam.example"; },
  { name = "provider"; type = "partner"; sender_domains = "*"; source_ips = "198.51.100.0/24"; listeners = "mx"; } );
outbound = (
  { name = "checked"; recipient_domains = "checked.example"; tls = "verify"; },
  { name = "pinned"; recipient_domains = "pinned.example"; tls = "fingerprint"; fingerprints = "%s"; },
  { name = "secured"; recipient_domains = "secured.example"; tls = "dane_only"; },
  { name = "certified"; recipient_domains = "certified.example"; tls = "encrypt"; client_certificate = "%s"; client_key = "%s"; },
  { name = "direct"; recipient_domains = "*"; },
  { name = "classified"; smart_hosts = "[192.0.2.77]"; when = { header = { name = "X-Classification"; matches = "secret"; }; }; } );
"""


class Doctor(unittest.TestCase):
    """One Postfix on disk; each test puts its files back."""

    @classmethod
    def setUpClass(cls):
        cls.directory = Path(tempfile.mkdtemp(prefix="doctor-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.directory.chmod(0o755)
        cls.certificates = Certificates(cls.directory / "tls")
        # Mail leaves by names that are asked for in the DNS: DANE needs it. Nothing is sent here.
        cls.postfix = PrivatePostfix(cls.directory / "postfix", cls.certificates,
                                     settings={"mynetworks": "127.0.0.0/8", "inet_interfaces": "all", "inet_protocols": "ipv4"})
        cls.daemon = ConnectorMilter(build_directory(), cls.directory / "daemon")
        cls.sockets = cls.postfix.queue / "connector-milter"
        cls.sockets.mkdir(mode=0o750)
        shutil.chown(cls.sockets, group="postfix")
        for name in ("milter", "maps", "policy"):
            setattr(cls.daemon, "socket" if name == "milter" else name, cls.sockets / f"{name}.sock")
        cls.daemon.configure(CONFIG % (":".join(["AB"] * 32), *cls.certificates.client["exchange"]))
        cls.daemon.start()
        cls.addClassCleanup(lambda: check_end(cls.daemon, cls.daemon.stop()))
        cls.postfix.postconf("-MX", f"127.0.0.1:{cls.postfix.ports.pop('xclient')}/inet")
        cls.untouched = cls.read()
        cls.postfix.apply(cls.daemon.postfix_lines(cls.postfix.queue))
        cls.mx, cls.relay = (f"127.0.0.1:{cls.postfix.ports[name]}" for name in ("mx", "relay"))
        cls.healthy = cls.read()

    @classmethod
    def read(cls):
        return {name: (cls.postfix.config / name).read_text(encoding="utf-8") for name in ("main.cf", "master.cf")}

    def write(self, files):
        for name, text in files.items():
            (self.postfix.config / name).write_text(text, encoding="utf-8")

    def tearDown(self):
        self.write(self.healthy)

    def main(self, *lines):
        """Of two lines for one parameter the last counts."""
        with (self.postfix.config / "main.cf").open("a", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))

    def master(self, service, *options):
        """Options for a service that is there, as the last of its entry; a whole line is a new one."""
        file = self.postfix.config / "master.cf"
        text = file.read_text(encoding="utf-8")
        added = "".join(f"    -o {option}\n" for option in options)
        if " " in service:
            file.write_text(text + service + "\n" + added, encoding="utf-8")
            return
        found = re.search(rf"^{re.escape(service)}\s.*\n(?:[ \t].*\n)*", text, re.M)
        self.assertIsNotNone(found, service)
        file.write_text(text[:found.end()] + added + text[found.end():], encoding="utf-8")

    def doctor(self, *arguments):
        status, text = self.daemon.control_tool("--json", "doctor", "--config-dir", str(self.postfix.config), *arguments)
        findings = json.loads(text)
        self.assertEqual(status, int(any(finding["severity"] != "note" for finding in findings)), text)
        return findings

    def finds(self, *expected):
        """Exactly these: "severity id", several of one id once."""
        findings = self.doctor()
        self.assertEqual({f"{finding['severity']} {finding['id']}" for finding in findings}, set(expected), json.dumps(findings, indent=1))
        return {finding["id"]: finding for finding in findings}

    def test_sound(self):
        """with the lines that connectorctl postfix prints there is nothing to find, for a script and for people"""
        self.assertEqual(self.doctor(), [])
        status, text = self.daemon.control_tool("doctor", "--config-dir", str(self.postfix.config))
        self.assertEqual((status, text), (0, "0 errors, 0 warnings, 0 notes\n"))

    def test_example(self):
        """the same of the example of a whole organisation, which the demo shows"""
        text = self.daemon.config_file.read_text(encoding="utf-8")

        def restore():
            shutil.rmtree(self.daemon.config_file.parent / "connectors.d")
            self.daemon.config_file.write_text(text, encoding="utf-8")
            self.assertEqual(self.daemon.control_tool("reload")[0], 0)
        self.addCleanup(restore)
        source = Path(os.environ.get("CM_SOURCE", Path(__file__).parents[2]))
        self.daemon.configure_from(source / "conf" / "examples" / "contoso")
        self.assertEqual(self.daemon.control_tool("reload")[0], 0)
        self.write(self.untouched)
        self.assertGreater(len(self.doctor()), 5)
        self.postfix.apply(self.daemon.postfix_lines(self.postfix.queue))
        self.finds()

    def test_milter_missing(self):
        """in main.cf, for SMTP and for what is submitted here; a parameter of the administrator's own is followed"""
        self.main("smtpd_milters = $spam_filter", "spam_filter = inet:127.0.0.1:11332", "non_smtpd_milters =")
        found = self.finds("error milter-missing", "error local-milter-missing")
        self.assertEqual(len(found["milter-missing"]["services"]), 3)
        self.assertRegex(found["milter-missing"]["line"], r"^smtpd_milters = \{ unix:connector-milter/milter.sock, .*\}, inet:127.0.0.1:11332$")
        self.main(found["milter-missing"]["line"], found["local-milter-missing"]["line"])
        self.finds()

    def test_milter_switched_off(self):
        """for a listener: in master.cf, by a parameter that main.cf refers to, by no_milters"""
        self.main("smtpd_milters = $ours", "ours = " + self.postfix.postconf("-h", "smtpd_milters").strip())
        self.master("2601 inet n - n - - smtpd", "milter_macro_daemon_name=mx", "smtpd_milters=")
        self.master("2602 inet n - n - - smtpd", "milter_macro_daemon_name=mx", "ours=")
        self.master("2603 inet n - n - - smtpd", "milter_macro_daemon_name=mx", "receive_override_options=no_header_body_checks,no_milters")
        self.master("2604 inet n - n - - postscreen")
        self.master("smtpd pass - - n - - smtpd", "milter_macro_daemon_name=mx", "smtpd_milters=")
        found = self.finds("error milter-missing", "error no-milters")
        self.assertEqual(found["no-milters"]["services"], ["2603/inet"])
        self.assertEqual(found["no-milters"]["line"], "-o receive_override_options=no_header_body_checks")
        missing = sorted(service for finding in self.doctor() if finding["id"] == "milter-missing" for service in finding["services"])
        self.assertEqual(missing, ["2601/inet", "2602/inet", "smtpd/pass"])

    def test_milter_otherwise(self):
        """not first, not with tempfail, of an old protocol, with made-up macros"""
        self.main("smtpd_milters = inet:127.0.0.1:11332, { unix:connector-milter/milter.sock, default_action=accept }",
                  "milter_protocol = 3", "milter_macro_defaults = {cert_subject}=mail.fabrikam.example")
        self.finds("warning milter-order", "error default-action", "error milter-protocol", "error macro-defaults")

    def test_default_action(self):
        """that all milters share"""
        self.main("smtpd_milters = unix:connector-milter/milter.sock", "milter_default_action = reject")
        found = self.finds("error default-action")
        self.main(found["default-action"]["line"])
        self.finds()

    def test_milter_maps(self):
        """clients that get no milter, or others"""
        table = self.directory / "milters"
        table.write_text("192.0.2.0/24 DISABLE\n", encoding="utf-8")
        self.main(f"smtpd_milter_maps = cidr:{table}")
        self.finds("error milter-maps")
        table.write_text("192.0.2.0/24 inet:127.0.0.1:11332\n", encoding="utf-8")
        self.finds("warning milter-maps")

    def test_filters(self):
        """mail that comes back from a filter: not judged again if there is a filter, and nobody else's way in"""
        self.master("127.0.0.1:2610 inet n - n - - smtpd", "smtpd_milters=", "content_filter=")
        self.finds("warning reinjection-listener")
        self.main("content_filter = smtp:[127.0.0.1]:10024")
        self.master("127.0.0.1:2611 inet n - n - - smtpd", "milter_macro_daemon_name=mx", "content_filter=")
        self.finds("note reinjection-listener", "warning judged-twice")

    def test_proxy_filter(self):
        """the milter sees no headers: forged ones must be removed behind the filter"""
        self.master(self.mx, "smtpd_proxy_filter=127.0.0.1:2612")
        self.finds("error proxy-filter")
        self.master("127.0.0.1:2612 inet n - n - - smtpd", "smtpd_milters=")
        lines = [line for line in self.daemon.postfix_lines(self.postfix.queue) if line.get("without_milter")]
        self.postfix.apply(lines, ["127.0.0.1:2612/inet"])
        self.finds("note proxy-filter", "note reinjection-listener")

    def test_certificates(self):
        """not asked for; by whom they may be signed"""
        self.main("smtpd_tls_ask_ccert = no")
        self.finds("error certificates-not-asked")
        self.main("smtpd_tls_ask_ccert = yes", "smtpd_tls_CAfile =")
        self.master(self.relay, "smtpd_tls_ask_ccert=no")
        self.finds("error client-ca-missing", "note certificates-not-asked")
        store = self.directory / "many.pem"
        store.write_text(self.certificates.authority.certificate.read_text(encoding="ascii") * 25, encoding="ascii")
        self.main(f"smtpd_tls_CAfile = {store}")
        self.finds("warning client-ca-web", "note certificates-not-asked")
        self.main(f"smtpd_tls_CAfile = {store}.missing")
        self.finds("error client-ca-missing", "note certificates-not-asked")
        self.main(f"smtpd_tls_CAfile = {self.certificates.authority.certificate}", "tls_append_default_CA = yes", "smtpd_tls_security_level = none")
        self.finds("error tls-not-offered", "warning client-ca-web", "note certificates-not-asked")
        self.main("smtpd_tls_security_level = may")
        self.finds("warning client-ca-web", "note certificates-not-asked")

    def test_certificates_at_once(self):
        """all that certificates need is told in one round, and mended by the lines that are told"""
        self.main("smtpd_tls_security_level = none", "smtpd_tls_cert_file =", "smtpd_tls_chain_files =", "smtpd_tls_ask_ccert = no", "smtpd_tls_CAfile =")
        found = self.finds("error tls-not-offered", "error server-certificate-missing", "error certificates-not-asked", "error client-ca-missing")
        self.main(*(finding["line"].replace("/etc/postfix/client-ca.pem", str(self.certificates.authority.certificate)) for finding in found.values()))
        self.finds()

    def test_fingerprints(self):
        """who may relay by the fingerprint of a certificate that nothing verifies"""
        permitted = "smtpd_relay_restrictions = permit_tls_clientcerts, " + self.postfix.postconf("-h", "smtpd_relay_restrictions").strip()
        self.main("smtpd_tls_CAfile =", "relay_clientcerts = inline:{AB:CD=x}", permitted)
        found = self.finds("error client-ca-missing", "warning relay-clientcerts")
        self.assertEqual(found["relay-clientcerts"]["line"], found["client-ca-missing"]["line"])
        self.main(f"smtpd_tls_CAfile = {self.certificates.authority.certificate}")
        self.finds()

    def test_server_certificate(self):
        """none of our own: Postfix offers no TLS, whatever its level is"""
        self.main("smtpd_tls_cert_file = none")
        found = self.finds("error server-certificate-missing")["server-certificate-missing"]
        self.assertEqual(found["line"], "smtpd_tls_chain_files = /etc/postfix/mx-key-and-chain.pem")
        self.main(found["line"])
        self.finds()

    def test_claimed_addresses(self):
        """by XCLIENT, by the PROXY protocol on a port that others reach, and clients that Postfix trusts by itself"""
        self.master(self.mx, "smtpd_authorized_xclient_hosts=127.0.0.1")
        self.master("2620 inet n - n - - smtpd", "milter_macro_daemon_name=mx", "smtpd_upstream_proxy_protocol=haproxy")
        self.main("smtpd_forbid_bare_newline_exclusions = 10.0.0.0/8", "mynetworks = 127.0.0.0/8, 10.20.0.0/25, 10.0.0.0/8",
                  "smtpd_recipient_restrictions = permit_mynetworks")
        found = self.finds("warning xclient", "warning proxy-protocol", "warning bare-newline-exclusions", "warning mynetworks")
        self.assertEqual(found["mynetworks"]["line"], "mynetworks = 127.0.0.0/8, 10.20.0.0/25")
        self.assertEqual(found["proxy-protocol"]["services"], ["2620/inet"])

    def test_smuggling_and_ipv6(self):
        """bare newlines, and a partner whose IPv6 addresses nobody knows"""
        self.main("inet_protocols = all", "smtpd_forbid_bare_newline = no")
        self.master("2630 inet n - n - - smtpd", "milter_macro_daemon_name=mx")
        found = self.finds("error bare-newline", "warning ipv6")
        self.assertEqual(found["ipv6"]["services"], ["2630/inet"])  # the others are on 127.0.0.1
        self.main("mail_version = 3.7.8", "inet_protocols = ipv4", "smtpd_forbid_bare_newline = normalize")
        self.assertIn("update Postfix", self.finds("error bare-newline")["bare-newline"]["line"])

    def test_names(self):
        """listeners and domains that only one side knows"""
        self.master(self.relay, "milter_macro_daemon_name=inner")
        self.master("2640 inet n - n - - smtpd")
        self.main("relay_domains = wingtip.example", "mydestination = localhost")
        self.finds("error listener-unknown", "warning listener-undeclared", "warning listener-unnamed", "warning domain-not-ours", "note domain-not-taken")

    def test_relay_permissions(self):
        """the policy service is not asked, asked too late, or not told the listener"""
        self.main("smtpd_relay_restrictions = reject_unauth_destination, check_policy_service unix:connector-milter/policy.sock")
        self.master(self.relay, "smtpd_relay_restrictions=$yours", "yours=check_policy_service,unix:connector-milter/policy.sock,reject_unauth_destination")
        found = [finding for finding in self.doctor() if finding["id"] == "policy-missing"]
        self.assertEqual([finding["file"] for finding in found], ["main.cf", "master.cf"])
        self.finds("error policy-missing")

    def test_grants_in_audit(self):
        """their clients are no longer in mynetworks, and nothing else lets them relay"""
        text = self.daemon.config_file.read_text(encoding="utf-8")

        def configure(new):
            self.daemon.config_file.write_text(new, encoding="utf-8")
            self.assertEqual(self.daemon.control_tool("reload")[0], 0)
        self.addCleanup(configure, text)
        configure(text.replace('name = "printers";', 'name = "printers"; mode = "audit";'))
        self.assertIsNone(self.finds("warning relay-in-audit")["relay-in-audit"]["file"])
        self.postfix.apply(self.daemon.postfix_lines(self.postfix.queue))
        found = self.finds("warning relay-in-audit")["relay-in-audit"]
        self.assertRegex(found["line"], r"^mynetworks = .*10.20.0.0/24$")
        self.main(found["line"], "smtpd_forbid_bare_newline_exclusions =")
        self.finds()

    def test_maps(self):
        """not asked, or behind others"""
        self.main("transport_maps = inline:{a.example=smtp:b.example}, $our_map", "our_map = " + self.postfix.postconf("-h", "transport_maps").strip(),
                  "sender_dependent_default_transport_maps =", "smtp_tls_policy_maps = inline:{a.example=none}")
        self.master("cleanup", "milter_header_checks=")
        self.assertEqual(len({finding["line"] for finding in self.doctor() if finding["id"] == "map-missing"}), 3)
        self.finds("error map-missing", "note map-order")

    def test_outbound(self):
        """what else makes mail leave otherwise than the connectors say"""
        self.main("relayhost = [smtp.provider.example]", "smtp_fallback_relay = [smtp.provider.example]", "smtp_dns_support_level =",
                  "smtp_tls_fingerprint_digest = md5", "smtp_tls_CAfile =")
        self.master("pickup", "cleanup_service_name=cleanup")
        self.finds("error relayhost", "error fallback-relay", "error dane-without-dnssec", "error fingerprint-digest", "error server-ca-missing",
                   "warning service-setting")

    def test_services(self):
        """a transport that master.cf does not have"""
        self.postfix.postconf("-MX", "smtp-certified/unix", "cleanup-requeued/unix")
        services = [finding for finding in self.doctor() if finding["id"] == "service-missing"]
        self.assertEqual({finding["services"][0] for finding in services}, {"smtp-certified/unix", "cleanup-requeued/unix"})
        self.master("\n".join(finding["line"] for finding in services))
        self.finds()
        self.postfix.postconf("-MX", "smtp/unix")
        self.finds("error transport-unknown")

    def test_tls_required(self):
        """a Postfix that lets a sender's header undo what is demanded"""
        # This one does not know the parameter; what is referred to is shown all the same.
        self.main("mail_version = 3.10.1", "smtpd_banner = $myhostname $tls_required_enable", "tls_required_enable = yes")
        self.finds("error tls-required-header")
        self.main("tls_required_enable = no")
        self.finds()

    def test_sockets(self):
        """a way that Postfix's user, or a chrooted service, cannot go"""
        self.sockets.chmod(0o700)
        try:
            self.assertIn("Permission denied", self.finds("error socket-unreachable")["socket-unreachable"]["reason"])
        finally:
            self.sockets.chmod(0o750)
        self.main(f"non_smtpd_milters = {{ unix:{self.daemon.socket}, default_action=tempfail }}")
        self.finds()  # a whole path will do
        self.postfix.postconf("-F", "cleanup/unix/chroot = y", "cleanup-requeued/unix/chroot = y")
        found = self.finds("error socket-unreachable")["socket-unreachable"]
        self.assertIn("Chrooted services", found["reason"])

    def test_new_services(self):
        """maps and policy are new in the config: the daemon must be restarted before Postfix is told to ask there"""
        text = self.daemon.config_file.read_text(encoding="utf-8")

        def restart(config):
            self.daemon.config_file.write_text(config, encoding="utf-8")
            check_end(self.daemon, self.daemon.stop())
            self.daemon.start()
        self.addCleanup(restart, text)
        restart(re.sub(r"^(maps|policy) = .*\n", "", text, flags=re.M))
        self.daemon.config_file.write_text(text, encoding="utf-8")
        self.write(self.untouched)
        self.assertEqual(self.daemon.control_tool("reload")[0], 0)
        found = self.doctor()
        self.assertEqual((found[0]["id"], found[0]["line"]), ("daemon-restart-needed", "systemctl restart connector-milter, then postfix reload"))
        after = [finding for finding in found if finding["id"] in ("policy-missing", "map-missing")]
        self.assertGreater(len(after), 2)
        for finding in after:
            self.assertIn("First restart the daemon", finding["reason"])
        self.write(self.healthy)
        self.assertIn("maps and policy", self.finds("error daemon-restart-needed")["daemon-restart-needed"]["reason"])
        check_end(self.daemon, self.daemon.stop())
        self.daemon.start()
        self.finds()

    def test_another_instance(self):
        """of this Postfix, if it is enabled"""
        other = self.directory / "other"
        shutil.copytree(self.postfix.config, other, ignore=shutil.ignore_patterns("sasl"))
        with (other / "main.cf").open("a", encoding="utf-8") as file:
            file.write("smtpd_milters =\n")
        self.main(f"multi_instance_directories = {other}")
        self.finds()
        with (other / "main.cf").open("a", encoding="utf-8") as file:
            file.write("multi_instance_enable = yes\n")
        self.assertEqual(self.finds("error milter-missing")["milter-missing"]["instance"], str(other))

    def test_daemon(self):
        """it runs with another config, its reload was refused, it does not run"""
        text = self.daemon.config_file.read_text(encoding="utf-8")

        def restore():
            self.daemon.config_file.write_text(text, encoding="utf-8")
            if self.daemon.process is None:
                self.daemon.start()
            self.assertEqual(self.daemon.control_tool("reload")[0], 0)
        self.addCleanup(restore)
        self.daemon.config_file.write_text(text + "# changed\n", encoding="utf-8")
        self.finds("warning daemon-old-config")
        self.daemon.config_file.write_text("nonsense = 1;", encoding="utf-8")
        self.assertEqual(self.daemon.control_tool("reload", "--socket", str(self.daemon.control))[0], 1)
        self.assertEqual(self.daemon.control_tool("doctor", "--config-dir", str(self.postfix.config))[0], 1)
        self.daemon.config_file.write_text(text + "# changed\n", encoding="utf-8")
        self.assertIn("its last reload was refused: ", self.finds("warning daemon-old-config")["daemon-old-config"]["reason"])
        self.assertEqual(self.daemon.control_tool("reload")[0], 0)
        self.finds()
        check_end(self.daemon, self.daemon.stop())
        self.finds("error daemon-down")

    def test_without_rights(self):
        """whoever is not root is told what could not be seen"""
        tool = self.directory / "connectorctl"
        shutil.copyfile(build_directory() / "connectorctl", tool)
        tool.chmod(0o755)
        command = [tool, "-c", self.daemon.config_file, "--json", "doctor", "--config-dir", self.postfix.config]
        done = subprocess.run(command, user="nobody", group="nogroup", extra_groups=[], cwd="/", capture_output=True, text=True, check=False)
        self.assertEqual([finding["id"] for finding in json.loads(done.stdout)], ["daemon-not-asked", "sockets-not-tried"], done.stderr)
        self.assertEqual(done.returncode, 0)

    def test_no_postfix(self):
        """a directory without main.cf is an error that says so"""
        status, text = self.daemon.control_tool("doctor", "--config-dir", str(self.directory))
        self.assertEqual(status, 1)
        self.assertRegex(text, r"^connectorctl: the settings of Postfix cannot be read: .*main.cf: No such file")
