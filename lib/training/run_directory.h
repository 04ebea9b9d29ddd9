// The run directory: whose it is, what it may hold, and that a failure leaves nothing behind.
#pragma once

#include <string>

namespace flowfit::training {

/// Opens (or makes) a run directory and locks it against a second training. Throws ConfigError when it holds a run and neither `resume` nor
/// `force` is given, or when another training has it; IoError when it cannot be made or written.
class RunDirectory {
 public:
  RunDirectory(std::string path, bool resume, bool force);
  ~RunDirectory();  ///< without `keep`: removes metrics that were begun here, and the folder again if it was made here
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const char* name) const { return path_ + "/" + name; }
  bool resumes() const { return resumes_; }  ///< there is a checkpoint to go on from
  void keep() {                              ///< something worth keeping is in it now
    made_.clear();
    had_metrics_ = true;
  }

 private:
  void open(bool resume, bool force);
  void release();

  std::string path_;
  std::string made_;  // the topmost folder that did not exist before; empty: none, or kept
  int lock_ = -1;
  bool resumes_ = false;
  bool had_metrics_ = true;  // metrics.jsonl was there before, or is kept
};

}  // namespace flowfit::training
