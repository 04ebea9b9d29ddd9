// The model file: whole it is read back, and damaged it is refused, byte by byte.
#include "flow/archive.h"

#include <doctest/doctest.h>

#include <cstring>

#include "../core/scratch.h"
#include "core/error.h"

using namespace flowfit;
using flow::Archive;
using test::thrown;

namespace {

Archive small() {
  Archive archive;
  archive.metadata = {{"format", "flowfit"}, {"note", "a \"checksum\": \"00000000\" inside a text"}};
  const std::vector<float> a{1, -2.5f, 3e-9f, 4, 5, 6};
  const std::vector<double> b{0.1, -1e300};
  archive.tensors.push_back(flow::make_tensor<float>("a.weight", {2, 3}, a));
  archive.tensors.push_back(flow::make_tensor<double>("b", {2}, b));
  return archive;
}

std::string refusal(const std::string& bytes) {
  return thrown<core::ModelError>([&] { flow::read_archive(bytes, "m"); });
}

/// A file of this header and `data` zero bytes.
std::string file(const std::string& header, std::size_t data = 0) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data, '\0');
}

std::string tensors(const std::string& entries, std::size_t data) {
  return refusal(file(R"({"__metadata__": {"checksum": "none"}, )" + entries + "}", data));
}

}  // namespace

TEST_CASE("archive: round trip") {
  const std::string bytes = flow::write_archive(small());
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  CHECK(length % 8 == 0);
  const Archive back = flow::read_archive(bytes, "m");
  REQUIRE(back.tensors.size() == 2);
  CHECK(back.metadata.at("note") == small().metadata.at("note"));
  CHECK(back.metadata.at("checksum").size() == 8);
  CHECK(flow::tensor_values<float>(*back.find("a.weight"), "m") == std::vector<float>{1, -2.5f, 3e-9f, 4, 5, 6});
  CHECK(flow::tensor_values<double>(*back.find("b"), "m") == std::vector<double>{0.1, -1e300});
  CHECK(back.find("a.weight")->shape == std::vector<std::size_t>{2, 3});
  CHECK(back.find("c") == nullptr);
}

TEST_CASE("archive: cut short anywhere, longer by a byte, or with any bit turned, it is refused") {
  const std::string bytes = flow::write_archive(small());
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_MESSAGE(refusal(bytes.substr(0, size)).starts_with("m: "), size);
  CHECK(refusal(bytes + '\0').starts_with("m: "));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const char bit : {1, 16, 64}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ bit);
      CHECK_MESSAGE(refusal(damaged).starts_with("m: "), at);
    }
  }
}

TEST_CASE("archive: headers that lie") {
  std::string huge = file("{}");
  huge[7] = '\x80';
  CHECK(refusal(huge).find("expected a safetensors header") != std::string::npos);
  CHECK(refusal(std::string(8, '\0')).find("expected a safetensors header") != std::string::npos);
  CHECK(refusal("PK\x03\x04 not a model at all").find("expected a safetensors header") != std::string::npos);
  CHECK(refusal(file("{}")).find("no \"checksum\" in its metadata") != std::string::npos);
  CHECK(refusal(file(R"({"__metadata__": {"checksum": "NONE"}})")).find("expected 8 hex digits or \"none\"") !=
        std::string::npos);
  CHECK(refusal(file(std::string(100000, '[') + std::string(100000, ']'))).starts_with("m: "));
  const std::string good = R"("a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]})";
  CHECK(tensors(good, 8) == "nothing thrown");
  CHECK(tensors(good, 9).find("1 bytes after the last tensor") != std::string::npos);
  CHECK(tensors(good, 7).find("ends beyond the file") != std::string::npos);
  CHECK(tensors(good + ", " + good, 8).find("\"a\"") != std::string::npos);  // a duplicate key
  CHECK(tensors(good + R"(, "b": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]})", 8).find("overlaps") !=
        std::string::npos);
  CHECK(tensors(good + R"(, "b": {"dtype": "F32", "shape": [1], "data_offsets": [12, 16]})", 16).find("follows a hole") !=
        std::string::npos);
  CHECK(tensors(R"("a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]})", 8).find("its shape needs 12 bytes") !=
        std::string::npos);
  CHECK(tensors(R"("a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 8]})", 8).find("whole numbers") != std::string::npos);
  CHECK(tensors(R"("a": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 8]})", 8).find("overflows") !=
        std::string::npos);
  CHECK(tensors(R"("a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]})", 8).find("F32 or F64") != std::string::npos);
  CHECK(tensors(R"("a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]})", 8).find("data_offsets") != std::string::npos);
}

TEST_CASE("archive: a weight that is no number is named") {
  Archive archive = small();
  archive.tensors[1].bytes.replace(8, 8, "\0\0\0\0\0\0\xF8\x7F", 8);
  CHECK(thrown<core::ModelError>([&] { flow::tensor_values<double>(archive.tensors[1], "m"); }) ==
        "m: tensor \"b\": entry 1 is not a finite number");
}
