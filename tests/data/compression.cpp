// gzip and zstd: round trips, streams put together, every way to be cut off or damaged, bombs; and how an input looks to a reader.
#include "data/compression.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "../core/scratch.h"
#include "core/error.h"
#include "data/csv.h"
#include "data/input.h"

using namespace flowfit;
using core::DataError;
using data::Compressor;
using data::Input;
using test::Scratch;
using test::thrown;

namespace {

enum class Format { gzip, zstd };
constexpr Format formats[] = {Format::gzip, Format::zstd};

std::string compressed(Format format, std::string_view plain) {
  std::string out;
  const auto compressor = format == Format::gzip ? data::gzip_compressor() : data::zstd_compressor();
  compressor->compress(plain.substr(0, plain.size() / 2), out, Compressor::Until::later);
  compressor->compress(plain.substr(plain.size() / 2), out, Compressor::Until::end);
  return out;
}

std::string all(Input& input, std::size_t step = 100) {
  std::string text(step, 0);
  std::string whole;
  while (const std::size_t count = input.read(text.data(), text.size())) whole.append(text, 0, count);
  return whole;
}

std::string table(int rows) {
  std::string text = "a,b\n";
  for (int i = 0; i < rows; ++i) text += std::to_string(i * 7 % 1000) + "." + std::to_string(i) + ",1\n";
  return text;
}

}  // namespace

TEST_CASE("compression: what was compressed comes back, alone and one after another, in small steps") {
  const Scratch scratch;
  const std::string text = table(40000);  // beyond the buffers
  for (const Format format : formats) {
    const std::string bytes = compressed(format, text);
    CHECK(bytes.size() < text.size() / 2);
    CHECK(bytes == compressed(format, text));  // no time in it
    for (const std::size_t step : {1000u, 1u << 20}) {
      Input input(scratch.write("t", bytes));
      CHECK((all(input, step) == text));
      CHECK(!input.size());
    }
    Input two(scratch.write("two", bytes + compressed(format, "end")));
    CHECK((all(two) == text + "end"));
    Input none(scratch.write("none", compressed(format, "")));
    CHECK(all(none).empty());
  }
  Input padded(scratch.write("padded", compressed(Format::gzip, "a\n") + std::string(600, '\0')));
  CHECK(all(padded) == "a\n");
}

TEST_CASE("compression: a stream that is cut off anywhere, or damaged, is one clear error") {
  const Scratch scratch;
  for (const Format format : formats) {
    const std::string name = format == Format::gzip ? "gzip" : "zstd";
    const std::string bytes = compressed(format, table(30));
    for (std::size_t size = 4; size < bytes.size(); ++size) {
      const std::string path = scratch.write("t", bytes.substr(0, size));
      CHECK(thrown<DataError>([&] {
              Input input(path);
              all(input);
            }) == path + ": expected the rest of the " + name + " stream, got the end of the file; is it cut off?");
    }
    std::size_t refused = 0;
    for (std::size_t at = 4; at < bytes.size(); ++at) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
      const std::string path = scratch.write("d", damaged);
      const std::string message = thrown<DataError>([&] {
        Input input(path);
        const std::string whole = all(input);
        CHECK((whole == table(30)));  // a name or a time in the header may be anything
      });
      CHECK(message.find("another type") == std::string::npos);
      if (message != "nothing thrown") ++refused;
    }
    CHECK(refused > bytes.size() * 9 / 10);
    const std::string path = scratch.write("g", bytes + "garbage");
    CHECK(thrown<DataError>([&] {
            Input input(path);
            all(input);
          }).starts_with(path + ": expected whole " + name + " data, got damaged bytes ("));
  }
}

TEST_CASE("compression: a bomb meets the limits of a table, in bounded memory") {
  const Scratch scratch;
  for (const Format format : formats) {
    std::string bytes;
    const auto compressor = format == Format::gzip ? data::gzip_compressor() : data::zstd_compressor();
    const std::string zeros(1 << 20, '0');
    compressor->compress("a,b\n", bytes, Compressor::Until::later);
    for (int i = 0; i < 64; ++i) compressor->compress(zeros, bytes, Compressor::Until::later);
    compressor->compress("", bytes, Compressor::Until::end);
    CHECK(bytes.size() < 100000);
    data::CsvReader reader(scratch.write("bomb", bytes));
    data::TableRows rows;
    reader.select({0});
    CHECK(thrown<DataError>([&] { reader.read(10, rows); }) ==
          scratch.path("bomb") + ":2:1: expected a field of at most 1 MB, got more; is it a CSV file?");
  }
}

TEST_CASE("input: peek leaves the bytes, and does not wait for more than a line") {
  const Scratch scratch;
  REQUIRE(::mkfifo(scratch.path("pipe").c_str(), 0600) == 0);
  std::thread writer([&] {
    const int to = ::open(scratch.path("pipe").c_str(), O_WRONLY);
    CHECK(::write(to, "a\n", 2) == 2);
    // The reader has to have seen the line before it gets more.
    while (::access(scratch.path("seen").c_str(), F_OK) != 0) std::this_thread::yield();
    CHECK(::write(to, "1\n", 2) == 2);
    ::close(to);
  });
  Input input(scratch.path("pipe"));
  CHECK(input.peek(6) == "a\n");
  CHECK(!input.size());
  scratch.write("seen", "");
  CHECK(all(input) == "a\n1\n");
  writer.join();

  Input file(scratch.write("f", "abcdef"));
  CHECK(file.peek(3) == "abc");
  CHECK(file.size() == 6);
  char at[2];
  file.read_at(4, at, 2);
  CHECK(std::string_view(at, 2) == "ef");
  CHECK(thrown<DataError>([&] { file.read_at(5, at, 2); }) ==
        scratch.path("f") + ": expected more bytes, got the end of the file; was it cut off just now?");
  CHECK(all(file) == "abcdef");
}
