// Making, locking and, after a failure, unmaking the run directory.
#include "training/run_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "core/error.h"
#include "core/file.h"

namespace flowfit::training {
namespace {

namespace fs = std::filesystem;

std::string reason(int code) { return std::system_category().message(code); }

/// Makes the folders of `path` that are missing, one by one, and notes the topmost of them.
void make_folders(const fs::path& path, std::string& topmost) {
  std::error_code error;
  if (fs::exists(path, error)) {
    if (!fs::is_directory(path, error))
      throw core::IoError(path.string() + ": expected a folder for the run, got a file; choose another with -o");
    return;
  }
  if (const fs::path parent = path.parent_path(); !parent.empty()) make_folders(parent, topmost);
  if (!fs::create_directory(path, error) && error)
    throw core::IoError(path.string() + ": cannot create the folder: " + error.message());
  if (topmost.empty()) topmost = path.string();
}

}  // namespace

RunDirectory::RunDirectory(std::string path, bool resume, bool force) : path_(std::move(path)) {
  while (path_.size() > 1 && path_.ends_with('/')) path_.pop_back();
  try {
    make_folders(path_, made_);
    open(resume, force);
  } catch (...) {
    release();
    throw;
  }
}

RunDirectory::~RunDirectory() { release(); }

void RunDirectory::open(bool resume, bool force) {
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0) throw core::IoError(path_ + ": cannot open the folder: " + reason(errno));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0)
    throw core::ConfigError(path_ + ": another training writes into this folder; choose another with -o, or wait for it");
  if (::access(path_.c_str(), W_OK | X_OK) != 0) throw core::IoError(path_ + ": cannot write into the folder: " + reason(errno));
  for (const char* const name : {"last.safetensors", "model.safetensors", "config.json"}) core::remove_temporaries(file(name));
  std::error_code error;
  const bool has_last = fs::exists(file("last.safetensors"), error), has_model = fs::exists(file("model.safetensors"), error);
  if ((has_last || has_model) && !resume && !force)
    throw core::ConfigError(path_ +
                            ": expected a folder without a run, got one that holds a run; go on with --resume, replace it with "
                            "--force, or choose another folder with -o");
  if (resume && has_model && !has_last && !force)
    throw core::ConfigError(path_ +
                            ": holds model.safetensors, but no last.safetensors to resume from; train anew with --force, or "
                            "choose another folder with -o");
  resumes_ = resume && has_last;
  had_metrics_ = fs::exists(file("metrics.jsonl"), error);
}

void RunDirectory::release() {
  std::error_code none;
  if (!had_metrics_) fs::remove(file("metrics.jsonl"), none);
  // Only folders that are still empty go: nothing that someone put there meanwhile.
  for (fs::path at = path_; !made_.empty(); at = at.parent_path()) {
    if ((!fs::remove(at, none) && fs::exists(at, none)) || at == fs::path(made_)) break;
  }
  made_.clear();
  if (lock_ >= 0) ::close(lock_);
  lock_ = -1;
}

}  // namespace flowfit::training
