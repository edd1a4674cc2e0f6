divert(-1)
#
# connector-milter for Sendmail: shows it every message that comes by SMTP.
#
# In sendmail.mc, before the MAILER lines and before every other INPUT_MAIL_FILTER (what comes later sees our headers and no forged ones):
#
#   include(`/etc/mail/m4/connector-milter.m4')dnl
#
# and in connector-milter.conf:
#
#   milter = { socket = "unix:/run/connector-milter/milter.sock"; group = "connector-milter"; };
#
# `connectorctl sendmail` prints what else your connectors need. Then: make -C /etc/mail, and restart Sendmail.
# F=T puts mail off while the daemon is away; without it such mail would come in unjudged, with forged headers.
#
divert(0)dnl
INPUT_MAIL_FILTER(`connector-milter', `S=local:/run/connector-milter/milter.sock, F=T, T=C:10s;S:10s;R:30s;E:2m')dnl
