// Reads a table one chunk ahead, on a thread of its own, while the last chunk is worked on.
#pragma once

#include <cstddef>
#include <memory>

#include "data/table_reader.h"

namespace flowfit::data {

class TableAhead {
 public:
  /// `reader` has been told what to select; until the end it belongs to this. `limit`: rows of a chunk.
  TableAhead(std::shared_ptr<TableReader> reader, std::size_t limit);
  ~TableAhead();  ///< does not wait for input that may never come
  TableAhead(const TableAhead&) = delete;
  TableAhead& operator=(const TableAhead&) = delete;

  /// Replaces `rows` by the next ones, in the chunks and with the exceptions of TableReader::read, after all rows before them; false at the end.
  bool next(TableRows& rows);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace flowfit::data
