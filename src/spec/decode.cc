#include "src/spec/decode.h"

#include "src/base/json.h"
#include "src/base/text.h"
#include "src/spec/decode_parts.h"
#include "src/spec/validate.h"

namespace skiff::spec {
namespace {

/// The longest part of `text` that is a SemVer number: digits without a leading zero.
std::string_view take_number(std::string_view text) {
  const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789"));
  return digits.size() > 1 && digits[0] == '0' ? std::string_view() : digits;
}

/// Whether `text` is a dotted list of SemVer identifiers.
bool are_identifiers(std::string_view text, bool numbers_may_begin_with_zero) {
  constexpr std::string_view kAllowed =
      "0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (const std::string_view part : text::split(text, '.')) {
    if (part.empty() || part.find_first_not_of(kAllowed) != std::string_view::npos) return false;
    const bool number = part.find_first_not_of("0123456789") == std::string_view::npos;
    if (number && !numbers_may_begin_with_zero && take_number(part).empty()) return false;
  }
  return true;
}

/// semver.org 2.0.0, items 2, 9 and 10.
bool is_semver(std::string_view version) {
  if (const size_t plus = version.find('+'); plus != std::string_view::npos) {
    if (!are_identifiers(version.substr(plus + 1), true)) return false;
    version = version.substr(0, plus);
  }
  if (const size_t dash = version.find('-'); dash != std::string_view::npos) {
    if (!are_identifiers(version.substr(dash + 1), false)) return false;
    version = version.substr(0, dash);
  }
  const std::vector<std::string_view> numbers = text::split(version, '.');
  return numbers.size() == 3 &&
         std::all_of(numbers.begin(), numbers.end(), [](std::string_view number) {
           return !number.empty() && take_number(number) == number;
         });
}

Result<std::string> decode_version(const json::View& json) {
  std::string version = TRY(json.required<std::string>("ociVersion"));
  if (!is_semver(version))
    return Error::invalid("ociVersion: {} is not a SemVer 2.0.0 version", text::quote(version));
  if (!version.starts_with("1."))
    return Error::invalid("ociVersion: {} is not supported, this is {}", version, kOciVersion);
  return version;
}

Result<Root> decode_root(const json::View& json) {
  Root root;
  root.path = TRY(json.required<std::string>("path"));
  if (root.path.empty()) TRY(json.complain(Error::invalid("{}: empty", json.path_of("path"))));
  root.readonly = TRY(flag_of(json, "readonly"));
  return root;
}

Result<Hook> decode_hook(const json::View& json) {
  Hook hook;
  hook.path = TRY(json.tolerate(absolute_path(json, "path")));
  hook.args = TRY(json.list<std::string>("args"));
  hook.env = TRY(json.list<std::string>("env"));
  hook.timeout = TRY(json.optional<int64_t>("timeout"));
  if (hook.timeout && *hook.timeout <= 0)
    TRY(json.complain(Error::invalid("{}: {} is out of range, at least 1", json.path_of("timeout"),
                                     *hook.timeout)));
  return hook;
}

Result<Hooks> decode_hooks(const json::View& json) {
  Hooks hooks;
  hooks.prestart = TRY(part_list(json, "prestart", decode_hook));
  hooks.create_runtime = TRY(part_list(json, "createRuntime", decode_hook));
  hooks.create_container = TRY(part_list(json, "createContainer", decode_hook));
  hooks.start_container = TRY(part_list(json, "startContainer", decode_hook));
  hooks.poststart = TRY(part_list(json, "poststart", decode_hook));
  hooks.poststop = TRY(part_list(json, "poststop", decode_hook));
  return hooks;
}

Result<StringMap> decode_annotations(const json::View& json) {
  StringMap annotations = TRY(json.string_map("annotations"));
  for (const auto& annotation : annotations)
    if (annotation.first.empty()) TRY(json.complain(Error::invalid("annotations: a key is empty")));
  return annotations;
}

Result<Spec> decode_spec(const json::View& json) {
  Spec spec;
  spec.oci_version = TRY(json.tolerate(decode_version(json)));
  const auto root = json.required<json::View>("root");
  spec.root = TRY(json.tolerate(root ? decode_root(*root) : root.error()));
  spec.mounts = TRY(part_list<Mount>(json, "mounts", decode_mount));
  spec.process = TRY(optional_part<Process>(json, "process", decode_process));
  spec.hostname = TRY(text_of(json, "hostname"));
  spec.domainname = TRY(text_of(json, "domainname"));
  spec.hooks = TRY(optional_part(json, "hooks", decode_hooks)).value_or(Hooks());
  spec.annotations = TRY(json.tolerate(decode_annotations(json)));
  spec.linux = TRY(optional_part<Linux>(json, "linux", decode_linux)).value_or(Linux());
  // config-vm.md: for runtimes that start virtual machines.
  if (!json.is_blank("vm"))
    TRY(json.complain(Error::invalid("vm: this runtime starts no virtual machines")));
  return spec;
}

bool is_of_another_platform(const json::Survey::Unread& member) {
  constexpr std::string_view kPlatforms[] = {"freebsd", "solaris", "vm", "windows", "zos"};
  return member.path.empty() && std::find(std::begin(kPlatforms), std::end(kPlatforms),
                                          member.name) != std::end(kPlatforms);
}

/// Parses `text` unless it is longer than any configuration has reason to be.
Result<json::Document> parse(std::string text) {
  constexpr size_t kMostBytes = 16u << 20;
  if (text.size() > kMostBytes)
    return Error::invalid("{} bytes, at most {}", text.size(), kMostBytes);
  return json::Document::parse(std::move(text));
}

}  // namespace

Result<std::string> absolute_path(const json::View& json, std::string_view name) {
  std::string path = TRY(json.required<std::string>(name));
  if (!path.starts_with('/'))
    return Error::invalid("{}: {} is not an absolute path", json.path_of(name), text::quote(path));
  return path;
}

Result<std::string> text_of(const json::View& json, std::string_view name) {
  return TRY(json.optional<std::string>(name)).value_or("");
}

Result<bool> flag_of(const json::View& json, std::string_view name) {
  return TRY(json.optional<bool>(name)).value_or(false);
}

Error unknown_word(const json::View& json, std::string_view name, size_t index,
                   std::string_view word) {
  return Error::invalid("{}[{}]: unknown {}", json.path_of(name), index, text::quote(word));
}

Error unknown_word(const json::View& json, std::string_view name, std::string_view word) {
  return Error::invalid("{}: unknown {}", json.path_of(name), text::quote(word));
}

Result<Spec> decode(std::string json, const std::function<bool(std::string_view)>& knows_profile) {
  json::Document document = TRY(parse(std::move(json)).context("config.json"));
  if (knows_profile) {
    const std::string_view profile = document.text_of({"linux", "seccomp"});
    if (!profile.empty() && knows_profile(profile)) document.drop({"linux", "seccomp", "syscalls"});
  }
  Spec spec = TRY(decode_spec(document.root()));
  TRY(validate(spec));
  return spec;
}

Result<Survey> survey(std::string json) {
  const json::Document document = TRY(parse(std::move(json)).context("config.json"));
  json::Survey read;
  Survey survey;
  // Everything is tolerated down there: what is wrong is in `read`.
  survey.spec = TRY(decode_spec(document.root("", &read)));
  survey.errors = read.errors();
  for (Error& broken : broken_rules(survey.spec))
    if (!read.follows(broken.text())) survey.errors.push_back(std::move(broken));
  survey.remarks = read.remarks();
  for (const json::Survey::Unread& member : read.unread()) {
    const std::string path = member.path.empty() ? member.name : member.path + "." + member.name;
    if (is_of_another_platform(member))
      survey.remarks.push_back(path + ": is for another platform, has no effect");
    else
      survey.unknown.push_back(
          {path,
           std::string(text::nearest(member.name, {member.known.begin(), member.known.end()}))});
  }
  return survey;
}

Result<Seccomp> decode_profile(std::string json) {
  const json::Document document = TRY(parse(std::move(json)));
  const json::View root = document.root();
  if (!root.has("linux") && !root.has("ociVersion"))
    return decode_seccomp(document.root("linux.seccomp"));
  const json::View config = TRY(root.required<json::View>("linux"));
  const json::View profile = TRY(config.required<json::View>("seccomp"));
  return decode_seccomp(profile);
}

Result<Process> decode_process(std::string json) {
  const json::Document document = TRY(parse(std::move(json)).context("process"));
  Process process = TRY(decode_process(document.root("process")));
  TRY(validate(process));
  return process;
}

Result<Resources> decode_resources(std::string json) {
  const json::Document document = TRY(parse(std::move(json)).context("linux.resources"));
  return decode_resources(document.root("linux.resources"));
}

}  // namespace skiff::spec
