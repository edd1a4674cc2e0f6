// libconfig-parse FILE: reads a configuration with libconfig and does nothing with it. The baseline of loading: what its parser alone costs.
#include <sys/resource.h>

#include <cstdio>
#include <libconfig.h++>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: libconfig-parse FILE\n");
    return 2;
  }
  libconfig::Config config;
  try {
    config.readFile(argv[1]);
  } catch (const libconfig::ConfigException& e) {
    std::fprintf(stderr, "libconfig-parse: %s: %s\n", argv[1], e.what());
    return 1;
  }
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  std::printf("%.2f s of CPU, %ld MB at most\n", seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_maxrss / 1024);
}
