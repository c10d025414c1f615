// The stress suite on the backends of the library.
#include <sigsafe/backend/lazy.hpp>
#include <sigsafe/backend/posix.hpp>

#include <tests/stress/suite.hpp>

int main(int argc, char** argv) {
  stress::suite all;
  all.add<stress::kit<sigsafe::backend::posix>>("eager");
  all.add<stress::kit<sigsafe::backend::lazy>>("lazy");
  return all.run(argc, argv);
}
