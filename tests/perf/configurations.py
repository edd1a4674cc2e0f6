"""Configurations of any size as text, and messages that meet them: what the daemon is measured with."""

import itertools

HEAD = 'organization = { domains = [ ".contoso.example" ]; protect = "enforce"; };\n'
SMALL = HEAD + """
inbound = (
  { name = "fabrikam"; type = "partner"; sender_domains = [ "fabrikam.example" ]; certificates = [ "mail.fabrikam.example" ]; },
  { name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24" ]; senders = [ "scanner@contoso.example" ]; recipients = "internal"; },
  { name = "exchange"; type = "on_premises"; source_ips = [ "10.1.0.5" ]; },
  { name = "northwind"; type = "partner"; sender_domains = [ ".northwind.example" ]; source_ips = [ "198.51.100.0/24", "2001:db8:51::/48", "127.0.0.1" ]; }
);
"""
NO_LINES = 'log = { target = "syslog"; level = "error"; };\n'
SMALL_MESSAGES = ["203.0.113.9 boss@fabrikam.example anna@contoso.example mail.fabrikam.example",
                  "198.51.100.7 news@list.northwind.example anna@contoso.example"]


def network(number):
    """The `number`th /28 above 16.0.0.0."""
    first = (16 << 24) + number * 16
    return ".".join(str(first >> shift & 255) for shift in (24, 16, 8, 0)) + "/28"


def network_v6(number):
    return f"2001:db8:{number >> 16 & 65535:x}:{number & 65535:x}::/64"


def address_in(number):
    return network(number).split("/")[0].rsplit(".", 1)[0] + f".{number * 16 % 256 + 5}"


def domain(number):
    return f"d{number}.partner.example"


def connectors(count, networks_each):
    """`count` connectors, devices and partners in turn, each with so many networks, the last of a partner's an IPv6 one.

    With one network each, half of the partners have a certificate instead; the others get an IPv6 network more.
    """
    for number in range(count):
        networks = [network(number * networks_each + i) for i in range(networks_each)]
        if not number % 2:
            networks[max(networks_each - 1, 1):] = [network_v6(number)]
        sources = ", ".join(f'"{n}"' for n in networks)
        if number % 2:
            yield f'{{ name = "device-{number}"; type = "device"; source_ips = [ {sources} ]; recipients = "internal"; }}'
        elif number % 4 and networks_each == 1:
            yield f'{{ name = "partner-{number}"; type = "partner"; sender_domains = [ "{domain(number)}" ]; certificates = [ "mail.{domain(number)}" ]; }}'
        else:
            yield f'{{ name = "partner-{number}"; type = "partner"; sender_domains = [ "{domain(number)}" ]; source_ips = [ {sources} ]; }}'


def large(count, networks_each):
    return HEAD + "inbound = (\n" + ",\n".join(connectors(count, networks_each)) + "\n);\n"


def outbound(count):
    """`count` outbound connectors, a domain and a smart host each, and one for everything else."""
    return HEAD + "outbound = (\n" + "".join(
        f'{{ name = "to-{number}"; recipient_domains = [ "{domain(number)}" ]; smart_hosts = [ "[mx.{domain(number)}]:25" ]; tls = "verify"; }},\n'
        for number in range(count)) + '{ name = "provider"; recipient_domains = [ "*" ]; smart_hosts = [ "[out.provider.example]" ]; }\n);\n'


def large_messages(count, networks_each):
    """One message for each connector of large(), from the middle of its networks."""
    lines = []
    for number in range(count):
        sender = "scanner@contoso.example" if number % 2 else f"boss@{domain(number)}"
        line = f"{address_in(number * networks_each + networks_each // 2)} {sender} anna@contoso.example"
        if not number % 2 and number % 4 and networks_each == 1:
            line += f" mail.{domain(number)}"
        lines.append(line)
    return list(itertools.islice(lines, 100000))
