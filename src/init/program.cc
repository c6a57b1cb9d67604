#include "src/init/program.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/text.h"
#include "src/linux/syscalls.h"

namespace skiff::init {
namespace {

/// 0 if `path` is a regular file this process may execute, else the errno.
int check_executable(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) < 0) return errno;
  if (!S_ISREG(status.st_mode)) return S_ISDIR(status.st_mode) ? EISDIR : EACCES;
  return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) < 0 ? errno : 0;
}

/// config.md#posix-process: execvp(3) semantics; without PATH its default.
std::string_view search_path(const std::vector<std::string>& env) {
  for (const std::string& entry : env)
    if (entry.starts_with("PATH=")) return std::string_view(entry).substr(5);
  return "/bin:/usr/bin";
}

/// The first line of a script, without "#!", if the file is one.
std::string read_shebang(const std::string& program) {
  const auto file = sys::open(program, O_RDONLY | O_NOCTTY | O_NONBLOCK);
  char head[128];
  const ssize_t size = file ? ::read(file->get(), head, sizeof head) : -1;
  if (size < 3 || head[0] != '#' || head[1] != '!') return {};
  const std::string_view line(head + 2, static_cast<size_t>(size) - 2);
  return std::string(line.substr(0, line.find('\n')));
}

}  // namespace

Result<std::string> find_program(const std::string& name, const std::vector<std::string>& env) {
  const std::string shown = text::quote(name);
  if (name.find('/') != std::string::npos) {
    const int code = check_executable(name);
    if (code == 0) return name;
    if (code == ENOENT)
      return Error::received(
          code, fmt::format("exec: {}: stat {}: no such file or directory", shown, name));
    if (code == EISDIR)
      return Error::received(code, fmt::format("exec: {}: is a directory", shown));
    if (code == EACCES)
      return Error::received(code, fmt::format("exec: {}: permission denied", shown));
    return Error::from_code(code, "exec: {}", shown);
  }
  int worst = ENOENT;
  for (const std::string_view directory : text::split(search_path(env), ':')) {
    const std::string path = std::string(directory.empty() ? "." : directory) + "/" + name;
    const int code = name.empty() ? ENOENT : check_executable(path);
    if (code == 0) return path;
    if (code == EACCES) worst = EACCES;
  }
  if (worst == EACCES)
    return Error::received(EACCES, fmt::format("exec: {}: permission denied", shown));
  return Error::received(ENOENT,
                         fmt::format("exec: {}: executable file not found in $PATH", shown));
}

Error explain_exec_failure(int code, const std::string& program) {
  if (code == ENOENT) {
    const std::string shebang = read_shebang(program);
    auto error = Error::received(code, fmt::format("exec {}: no such file or directory", program));
    if (shebang.empty())
      return std::move(error).with_hint(
          "the file is there; its dynamic loader is not, or is of another architecture");
    if (shebang.ends_with('\r'))
      return std::move(error).with_hint("its first line ends in a carriage return");
    return std::move(error).with_hint("its interpreter " + text::quote(shebang) + " is not there");
  }
  if (code == EACCES)
    return Error::received(code, fmt::format("exec {}: permission denied", program));
  auto error = Error::from_code(code, "exec {}", program);
  if (code == ENOEXEC)
    return std::move(error).with_hint(
        "neither a program of this machine's architecture nor a script with a #! line");
  return error;
}

}  // namespace skiff::init
