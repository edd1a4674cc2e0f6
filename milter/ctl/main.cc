// connectorctl: checks the config, explains decisions, talks to the running daemon.
#include <exception>
#include <iostream>

#include "ctl/command.h"

int main(int argc, char** argv) {
  try {
    return cm::ctl::run({argv + 1, argv + argc}, std::cout, std::cerr);
  } catch (const std::exception& failure) {
    std::cerr << "connectorctl: " << failure.what() << "\n";
    return cm::ctl::bad;
  }
}
