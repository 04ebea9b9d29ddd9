// Rows of a .npy file by their numbers: the array stays in its file, mapped into memory page by page.
#include "data/npy_rows.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <system_error>

#include "core/error.h"
#include "core/text.h"

namespace flowfit::data {
namespace {

[[noreturn]] void fail(const std::string& name, const char* what) {
  throw core::IoError(name + ": " + what + ": " + std::system_category().message(errno));
}

/// Calls f(first, count) for each run of rows that follow each other, `first` a place in `rows`.
template <class F>
void by_runs(std::span<const std::uint32_t> rows, F&& f) {
  for (std::size_t first = 0, end = 0; first < rows.size(); first = end) {
    end = first + 1;
    while (end < rows.size() && rows[end] == rows[end - 1] + 1) ++end;
    f(first, end - first);
  }
}

}  // namespace

NpyRows::NpyRows(const std::string& path, std::vector<std::size_t> fields, const std::vector<std::vector<std::string>>& texts)
    : name_(path), fields_(std::move(fields)) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(name_, "cannot open");
  struct stat status {};
  void* mapped = MAP_FAILED;
  if (::fstat(descriptor, &status) == 0 && status.st_size > 0)
    mapped = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_SHARED, descriptor, 0);
  const int failed = errno;
  ::close(descriptor);
  errno = failed;
  if (mapped == MAP_FAILED) fail(name_, "cannot map into memory");
  const auto size = static_cast<std::size_t>(status.st_size);
  bytes_ = {static_cast<const char*>(mapped), Unmap{size}};
  header_ = parse_npy_header({bytes_.get(), std::min(size, longest_npy_header)}, name_);
  if (size != header_.offset + header_.bytes())
    throw core::DataError(core::message(name_, "expected " + std::to_string(header_.bytes()) + " bytes of numbers",
                                        std::to_string(size - header_.offset), "was it changed just now?"));
  // Rows are drawn from all over the file: to read ahead of each would fetch what is thrown away again.
  (void)::madvise(mapped, size, MADV_RANDOM);

  for (const std::vector<std::string>& categories : texts) {
    auto& codes = codes_.emplace_back();
    for (std::size_t code = 0; code < categories.size(); ++code)
      if (const std::optional<double> number = core::parse_number(categories[code]))
        codes.emplace_back(*number, static_cast<double>(code));
    std::ranges::sort(codes);
  }
}

void NpyRows::Unmap::operator()(const char* bytes) const { ::munmap(const_cast<char*>(bytes), size); }

void NpyRows::prepare(std::span<const std::uint32_t> rows) const {
  if (header_.fortran_order) return;  // a row is all over the file, and its neighbours in the column are used as often
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t row_size = header_.columns * header_.item_size;
  by_runs(rows, [&](std::size_t first, std::size_t count) {
    const std::size_t start = header_.offset + rows[first] * row_size, from = start / page * page;
    (void)::madvise(const_cast<char*>(bytes_.get()) + from, start + count * row_size - from, MADV_WILLNEED);
  });
}

void NpyRows::read(std::size_t field, std::span<const std::uint32_t> rows, double* to) const {
  const std::size_t item = header_.item_size, column = fields_[field];
  const std::size_t step = header_.fortran_order ? item : header_.columns * item;
  const char* const start = bytes_.get() + header_.offset + column * (header_.fortran_order ? header_.rows * item : item);
  by_runs(rows, [&](std::size_t first, std::size_t count) {
    read_npy(header_.type, start + rows[first] * step, step, to + first, count);
  });
  const auto& codes = codes_[field];
  if (codes.empty()) return;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto found = std::ranges::lower_bound(codes, to[i], {}, &std::pair<double, double>::first);
    to[i] = found != codes.end() && found->first == to[i] ? found->second : std::nan("");
  }
}

}  // namespace flowfit::data
