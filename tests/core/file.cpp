// Files whole or not at all: what is left after success, failure and odd targets.
#include "core/file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "core/error.h"
#include "scratch.h"

using namespace flowfit;
using core::IoError;
using test::Scratch;
using test::thrown;

TEST_CASE("file: write_file then read_file") {
  const Scratch scratch;
  std::string bytes = "a\0b\r\n";
  bytes.resize(300000, 'x');
  core::write_file(scratch.path("m.bin"), bytes);
  CHECK(core::read_file(scratch.path("m.bin")) == bytes);
  core::write_file(scratch.path("m.bin"), "");
  CHECK(core::read_file(scratch.path("m.bin")).empty());
  CHECK(scratch.files() == 1);
}

TEST_CASE("file: errors name the path and the reason") {
  const Scratch scratch;
  const std::string missing = scratch.path("no/such.bin");
  CHECK(thrown<IoError>([&] { core::read_file(missing); }) == missing + ": cannot open: No such file or directory");
  CHECK(thrown<IoError>([&] { core::write_file(missing, "x"); }) == missing + ": cannot create: No such file or directory");
  CHECK(thrown<IoError>([&] { core::read_file(scratch.folder().string()); }) ==
        scratch.folder().string() + ": cannot read: Is a directory");
  CHECK(thrown<IoError>([&] { core::write_file(scratch.folder().string(), "x"); }) ==
        scratch.folder().string() + ": cannot write: Is a directory");
  CHECK(thrown<IoError>([&] { core::write_file("", "x"); }) == "\"\": cannot create: No such file or directory");
  CHECK(thrown<IoError>([&] { core::write_file("/dev/full", "x"); }) == "/dev/full: cannot write: No space left on device");
}

TEST_CASE("file: a failed write leaves the old file and no temporary") {
  const Scratch scratch;
  scratch.write("m.bin", "old");
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  struct rlimit small = before;
  small.rlim_cur = 4096;
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string text = thrown<IoError>([&] { core::write_file(scratch.path("m.bin"), std::string(100000, 'x')); });
  const std::string streamed = thrown<IoError>([&] {
    core::Output output(scratch.path("m.bin"));
    output.buffer().assign(100000, 'x');
    output.close();
  });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  CHECK(text == scratch.path("m.bin") + ": cannot write: File too large");
  CHECK(streamed == text);
  CHECK(scratch.read("m.bin") == "old");
  CHECK(scratch.files() == 1);
}

TEST_CASE("file: a symbolic link stays a link, also one that dangles") {
  const Scratch scratch;
  std::filesystem::create_directory(scratch.path("real"));
  scratch.write("real/m.bin", "old");
  std::filesystem::create_symlink("real/m.bin", scratch.path("link"));
  std::filesystem::create_symlink("link", scratch.path("link2"));
  core::write_file(scratch.path("link2"), "new");
  CHECK(std::filesystem::is_symlink(scratch.path("link")));
  CHECK(std::filesystem::is_symlink(scratch.path("link2")));
  CHECK(scratch.read("real/m.bin") == "new");
  {
    core::Output output(scratch.path("link2"));
    output.buffer() = "streamed";
    output.close();
  }
  CHECK(std::filesystem::is_symlink(scratch.path("link2")));
  CHECK(scratch.read("real/m.bin") == "streamed");

  std::filesystem::create_symlink("real/later.bin", scratch.path("dangling"));
  core::write_file(scratch.path("dangling"), "made");
  CHECK(std::filesystem::is_symlink(scratch.path("dangling")));
  CHECK(scratch.read("real/later.bin") == "made");
}

TEST_CASE("file: permissions of the replaced file stay") {
  const Scratch scratch;
  scratch.write("m.bin", "old");
  REQUIRE(::chmod(scratch.path("m.bin").c_str(), 0640) == 0);
  core::write_file(scratch.path("m.bin"), "new");
  struct stat status {};
  REQUIRE(::stat(scratch.path("m.bin").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("file: a name of 255 bytes works") {
  const Scratch scratch;
  const std::string name(255, 'n');
  core::write_file(scratch.path(name), "x");
  CHECK(scratch.read(name) == "x");
}

TEST_CASE("file: what killed writers left goes, and nothing else") {
  const Scratch scratch;
  for (const char* const name : {"m.bin", ".m.bin.tmp-17", ".m.bin.tmp-17-1", ".m.bin.txt.tmp-17", ".m.bin.tmp"})
    scratch.write(name, "x");
  core::remove_temporaries(scratch.path("m.bin"));
  CHECK(scratch.files() == 3);
  for (const char* const name : {"m.bin", ".m.bin.txt.tmp-17", ".m.bin.tmp"}) CHECK(scratch.read(name) == "x");
}

TEST_CASE("output: nothing under the real name before close, all of it after") {
  const Scratch scratch;
  scratch.write("s.csv", "old");
  {
    core::Output output(scratch.path("s.csv"));
    CHECK(std::filesystem::exists(scratch.path(".s.csv.tmp-" + std::to_string(::getpid()))));
    for (int i = 0; i < 100000; ++i) {
      output.buffer() += "0.25\n";
      output.flush_if_full();
    }
    CHECK(output.buffer().size() < core::Output::capacity);
    CHECK(scratch.read("s.csv") == "old");
    output.close();
  }
  CHECK(scratch.read("s.csv").size() == 500000);
  CHECK(scratch.files() == 1);
}

TEST_CASE("output: bytes that were flushed can be written over, but not in a pipe") {
  const Scratch scratch;
  core::Output out(scratch.path("t"));
  out.buffer() = "count ???, rows";
  out.flush();
  out.buffer() = " and more";
  out.overwrite(6, "123");
  out.close();
  CHECK(scratch.read("t") == "count 123, rows and more");

  REQUIRE(::mkfifo(scratch.path("pipe").c_str(), 0600) == 0);
  const int reader = ::open(scratch.path("pipe").c_str(), O_RDONLY | O_NONBLOCK);
  core::Output pipe(scratch.path("pipe"));
  CHECK(thrown<IoError>([&] { pipe.overwrite(0, "1"); }) == scratch.path("pipe") + ": cannot write: Illegal seek");
  ::close(reader);
}

TEST_CASE("output: without close the old file stays and the temporary goes") {
  const Scratch scratch;
  scratch.write("s.csv", "old");
  {
    core::Output output(scratch.path("s.csv")), other(scratch.path("s.csv"));
    output.buffer() += "new";
    output.flush();
    CHECK(scratch.files() == 3);
  }
  CHECK(scratch.read("s.csv") == "old");
  CHECK(scratch.files() == 1);
}

TEST_CASE("output: a fifo is written directly") {
  const Scratch scratch;
  REQUIRE(::mkfifo(scratch.path("pipe").c_str(), 0600) == 0);
  std::string got;
  std::thread reader([&] { got = core::read_file(scratch.path("pipe")); });
  core::Output output(scratch.path("pipe"));
  output.buffer() = std::string(200000, 'y');
  output.close();
  reader.join();
  CHECK(got == std::string(200000, 'y'));
  CHECK(scratch.files() == 1);
}

TEST_CASE("output: standard output, and a reader that has gone") {
  const Scratch scratch;
  const int saved = ::dup(STDOUT_FILENO);
  const int file = ::open(scratch.path("out").c_str(), O_WRONLY | O_CREAT, 0600);
  REQUIRE(file >= 0);
  ::dup2(file, STDOUT_FILENO);
  {
    core::Output output("-");
    output.buffer() = "one\n";
    output.flush();
    output.buffer() = "two\n";
    output.close();
  }
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::dup2(ends[1], STDOUT_FILENO);
  ::close(ends[0]);
  const auto handler = ::signal(SIGPIPE, SIG_IGN);
  const std::string text = thrown<IoError>([&] {
    core::Output output("-");
    output.buffer() = "x";
    output.close();
  });
  ::signal(SIGPIPE, handler);
  ::dup2(saved, STDOUT_FILENO);
  for (const int descriptor : {saved, file, ends[1]}) ::close(descriptor);
  CHECK(scratch.read("out") == "one\ntwo\n");
  CHECK(text == "standard output: cannot write: Broken pipe");
}

TEST_CASE("file: same_file sees through links") {
  const Scratch scratch;
  scratch.write("a", "");
  scratch.write("b", "");
  std::filesystem::create_symlink("a", scratch.path("soft"));
  std::filesystem::create_hard_link(scratch.path("a"), scratch.path("hard"));
  CHECK(core::same_file(scratch.path("a"), scratch.path("soft")));
  CHECK(core::same_file(scratch.path("a"), scratch.path("hard")));
  CHECK(!core::same_file(scratch.path("a"), scratch.path("b")));
  CHECK(!core::same_file(scratch.path("none"), scratch.path("none")));
}
