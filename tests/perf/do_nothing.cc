// do-nothing-milter unix:PATH: the baseline of milter-load. Asks the MTA for the same steps and macros as connector-milter with a small
// configuration does, looks at nothing and inserts one header field. Must never learn to do more: it is what libmilter alone costs.
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include <csignal>
#include <cstdio>

#include "session/mta.h"

namespace {

constexpr unsigned long actions = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_SETSYMLIST;
constexpr unsigned long steps = SMFIP_NOUNKNOWN | SMFIP_NOBODY | SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOEOH | SMFIP_NR_HDR | SMFIP_NR_CONN;

bool ask(SMFICTX* ctx, int stage, const char* macros) { return smfi_setsymlist(ctx, stage, const_cast<char*>(macros)) == MI_SUCCESS; }

}  // namespace

extern "C" {

static sfsistat on_negotiate(SMFICTX* ctx, unsigned long, unsigned long, unsigned long, unsigned long, unsigned long* want_actions,
                             unsigned long* want_steps, unsigned long* want2, unsigned long* want3) {
  using namespace cm::session;
  const bool asked = ask(ctx, SMFIM_CONNECT, connect_macros) && ask(ctx, SMFIM_HELO, helo_macros) && ask(ctx, SMFIM_ENVFROM, mail_macros) &&
                     ask(ctx, SMFIM_ENVRCPT, rcpt_macros) && ask(ctx, SMFIM_EOH, end_macros) && ask(ctx, SMFIM_EOM, end_macros);
  *want_actions = actions;
  *want_steps = steps;
  *want2 = *want3 = 0;
  return asked ? SMFIS_CONTINUE : SMFIS_REJECT;
}

static sfsistat on_connect(SMFICTX*, char*, _SOCK_ADDR*) { return SMFIS_NOREPLY; }
static sfsistat on_envelope(SMFICTX*, char**) { return SMFIS_CONTINUE; }
static sfsistat on_header(SMFICTX*, char*, char*) { return SMFIS_NOREPLY; }
static sfsistat on_close(SMFICTX*) { return SMFIS_CONTINUE; }

static sfsistat on_end_of_message(SMFICTX* ctx) {
  static char name[] = "X-Nothing", value[] = "partner; connector=fabrikam; type=partner; src=203.0.113.9; tls=TLSv1.3; id=abcdefghijkl";
  return smfi_insheader(ctx, 0, name, value) == MI_SUCCESS ? SMFIS_CONTINUE : SMFIS_TEMPFAIL;
}

}  // extern "C"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: do-nothing-milter unix:PATH\n");
    return 2;
  }
  static char name[] = "do-nothing-milter";
  smfiDesc description{};
  description.xxfi_name = name;
  description.xxfi_version = SMFI_VERSION;
  description.xxfi_flags = actions;
  description.xxfi_connect = on_connect;
  description.xxfi_envfrom = on_envelope;
  description.xxfi_envrcpt = on_envelope;
  description.xxfi_header = on_header;
  description.xxfi_eom = on_end_of_message;
  description.xxfi_abort = on_close;
  description.xxfi_close = on_close;
  description.xxfi_negotiate = on_negotiate;
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  if (smfi_register(description) != MI_SUCCESS || smfi_setconn(argv[1]) != MI_SUCCESS || smfi_opensocket(true) != MI_SUCCESS) return 1;
  return smfi_main() == MI_SUCCESS ? 0 : 1;
}
