// gzip and zstd as streams, through zlib and libzstd.
#include "data/compression.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <new>

#include "core/error.h"

namespace flowfit::data {
namespace {

using namespace std::string_view_literals;
constexpr std::string_view gzip_magic = "\x1F\x8B"sv, zstd_magic = "\x28\xB5\x2F\xFD"sv;
constexpr int gzip_window = 15 + 16;               // 32 KB, with gzip's header
constexpr std::size_t longest_call = 1u << 30;     // zlib counts in 32 bits
constexpr std::size_t compressed_step = 1u << 16;  // bytes of output a call

class GzipDecompressor final : public Decompressor {
 public:
  GzipDecompressor() {
    if (::inflateInit2(&stream_, gzip_window) != Z_OK) throw std::bad_alloc();
  }
  ~GzipDecompressor() override { ::inflateEnd(&stream_); }
  GzipDecompressor(const GzipDecompressor&) = delete;
  GzipDecompressor& operator=(const GzipDecompressor&) = delete;

  std::size_t decompress(std::string_view& in, char* to, std::size_t size) override {
    if (complete_) {
      // Tapes and disks pad with zeros.
      in.remove_prefix(std::min(in.find_first_not_of('\0'), in.size()));
      if (in.empty()) return 0;
      ::inflateReset(&stream_);
      complete_ = false;
    }
    const auto given = static_cast<uInt>(std::min(in.size(), longest_call));
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));  // zlib only reads it
    stream_.avail_in = given;
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = static_cast<uInt>(std::min(size, longest_call));
    const uInt room = stream_.avail_out;
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    in.remove_prefix(given - stream_.avail_in);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result == Z_STREAM_END)
      complete_ = true;
    else if (result != Z_OK && result != Z_BUF_ERROR)
      throw core::DataError(stream_.msg != nullptr ? stream_.msg : "not gzip");
    return room - stream_.avail_out;
  }
  bool complete() const override { return complete_; }
  std::string_view format() const override { return "gzip"; }

 private:
  z_stream stream_{};
  bool complete_ = false;
};

class ZstdDecompressor final : public Decompressor {
 public:
  ZstdDecompressor() : stream_(::ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
  }
  ~ZstdDecompressor() override { ::ZSTD_freeDStream(stream_); }
  ZstdDecompressor(const ZstdDecompressor&) = delete;
  ZstdDecompressor& operator=(const ZstdDecompressor&) = delete;

  // Frames with a window beyond libzstd's default limit of 128 MB are refused: memory stays bounded.
  std::size_t decompress(std::string_view& in, char* to, std::size_t size) override {
    if (complete_ && in.empty()) return 0;
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer out{to, size, 0};
    const std::size_t result = ::ZSTD_decompressStream(stream_, &out, &from);
    if (::ZSTD_isError(result) != 0) throw core::DataError(::ZSTD_getErrorName(result));
    in.remove_prefix(from.pos);
    complete_ = result == 0;
    return out.pos;
  }
  bool complete() const override { return complete_; }
  std::string_view format() const override { return "zstd"; }

 private:
  ZSTD_DStream* stream_;
  bool complete_ = false;
};

class GzipCompressor final : public Compressor {
 public:
  GzipCompressor() {
    constexpr int memory = 8;
    if (::deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, memory, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~GzipCompressor() override { ::deflateEnd(&stream_); }
  GzipCompressor(const GzipCompressor&) = delete;
  GzipCompressor& operator=(const GzipCompressor&) = delete;

  void compress(std::string_view plain, std::string& out, Until until) override {
    const int how = until == Until::later ? Z_NO_FLUSH : until == Until::flush ? Z_SYNC_FLUSH : Z_FINISH;
    do {
      const std::string_view piece = plain.substr(0, longest_call);
      plain.remove_prefix(piece.size());
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));  // zlib only reads it
      stream_.avail_in = static_cast<uInt>(piece.size());
      do {
        const std::size_t before = out.size();
        out.resize(before + compressed_step);
        stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
        stream_.avail_out = static_cast<uInt>(compressed_step);
        ::deflate(&stream_, plain.empty() ? how : Z_NO_FLUSH);
        out.resize(before + compressed_step - stream_.avail_out);
      } while (stream_.avail_out == 0);
    } while (!plain.empty());
  }

 private:
  z_stream stream_{};
};

class ZstdCompressor final : public Compressor {
 public:
  ZstdCompressor() : stream_(::ZSTD_createCStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
    ::ZSTD_CCtx_setParameter(stream_, ZSTD_c_checksumFlag, 1);
  }
  ~ZstdCompressor() override { ::ZSTD_freeCStream(stream_); }
  ZstdCompressor(const ZstdCompressor&) = delete;
  ZstdCompressor& operator=(const ZstdCompressor&) = delete;

  void compress(std::string_view plain, std::string& out, Until until) override {
    const ZSTD_EndDirective how = until == Until::later ? ZSTD_e_continue : until == Until::flush ? ZSTD_e_flush : ZSTD_e_end;
    ZSTD_inBuffer from{plain.data(), plain.size(), 0};
    std::size_t left = 0;
    do {
      const std::size_t before = out.size();
      out.resize(before + compressed_step);
      ZSTD_outBuffer to{out.data() + before, compressed_step, 0};
      left = ::ZSTD_compressStream2(stream_, &to, &from, how);
      if (::ZSTD_isError(left) != 0) throw std::bad_alloc();  // nothing else can be wrong with it
      out.resize(before + to.pos);
    } while (until == Until::later ? from.pos < from.size : left > 0);
  }

 private:
  ZSTD_CStream* stream_;
};

}  // namespace

bool may_be_compressed(std::string_view start) {
  return gzip_magic.starts_with(start.substr(0, gzip_magic.size())) || zstd_magic.starts_with(start.substr(0, zstd_magic.size()));
}

std::unique_ptr<Decompressor> decompressor_for(std::string_view start) {
  if (start.starts_with(gzip_magic)) return std::make_unique<GzipDecompressor>();
  if (start.starts_with(zstd_magic)) return std::make_unique<ZstdDecompressor>();
  return nullptr;
}

std::unique_ptr<Compressor> gzip_compressor() { return std::make_unique<GzipCompressor>(); }
std::unique_ptr<Compressor> zstd_compressor() { return std::make_unique<ZstdCompressor>(); }

}  // namespace flowfit::data
