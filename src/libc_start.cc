// From the kernel to main(): the C library's own __libc_start_main without its survey of the
// processor.
//
// A static glibc program begins by executing CPUID some forty times (glibc 2.36,
// sysdeps/x86/cpu-features.c and dl-cacheinfo.h) to choose among its string functions. CPUID always
// leaves a virtual machine (Intel SDM vol. 3, 26.1.2), which costs one to seven microseconds each
// time: a quarter of a millisecond, twice in every container's life, for functions that
// are hardly called. Left out, every choice falls on the x86-64 baseline, which is always right.
//
// GLIBC_TUNABLES is not looked for among the variables either: nothing of it is of use here.
//
// The steps are those of csu/libc-start.c in their order. meson.build compiles this file only
// where it knows the library: x86-64, glibc 2.36, and a trial program that starts and runs.
// Whatever defines __libc_start_main must define what else lives in that object: the tuning values
// of the string functions.
#include <elf.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the library's names.
extern "C" {

// The defaults of sysdeps/x86/cacheinfo.h and dl-cacheinfo.h, in bytes.
long __x86_data_cache_size_half = 32l * 1024 / 2;
long __x86_data_cache_size = 32l * 1024;
long __x86_shared_cache_size_half = 1024l * 1024 / 2;
long __x86_shared_cache_size = 1024l * 1024;
long __x86_shared_non_temporal_threshold = 1024l * 1024 * 3 / 4;
long __x86_rep_movsb_threshold = 2048;
long __x86_rep_movsb_stop_threshold = 1024l * 1024 * 3 / 4;
long __x86_rep_stosb_threshold = 2048;
int __x86_string_control = 0;

extern void* __libc_stack_end;
extern int __libc_enable_secure;
extern const uintptr_t* _dl_random;  // AT_RANDOM: sixteen bytes

/// Where the program lies, for "$ORIGIN" in what dlopen(3) is given; a readlink of
/// /proc/self/exe. Nothing is ever opened so.
const char* _dl_get_origin() { return reinterpret_cast<const char*>(-1); }

void _dl_aux_init(Elf64_auxv_t* vector);
void __tunables_init(char** environment);
void _dl_relocate_static_pie();
void __libc_setup_tls();
void __libc_early_init(bool first);
void __libc_init_first(int argc, char** argv, char** environment);
void __libc_check_standard_fds();
void _init();
void _fini();
int __cxa_atexit(void (*function)(void*), void* argument, void* object);

using Main = int (*)(int, char**, char**);
using Initializer = void (*)(int, char**, char**);
using Finalizer = void (*)();
[[gnu::weak]] extern const Elf64_Rela __rela_iplt_start[];
[[gnu::weak]] extern const Elf64_Rela __rela_iplt_end[];
extern const Initializer __preinit_array_start[];
extern const Initializer __preinit_array_end[];
extern const Initializer __init_array_start[];
extern const Initializer __init_array_end[];
extern const Finalizer __fini_array_start[];
extern const Finalizer __fini_array_end[];

int __libc_start_main(Main main, int argc, char** argv, void (*)(), void (*)(),
                      void (*loader_end)(), void* stack_end);
}

namespace {

/// Fills the slots of functions that exist in several versions.
void choose_functions() {
  for (const Elf64_Rela* slot = __rela_iplt_start; slot < __rela_iplt_end; ++slot)
    *reinterpret_cast<uintptr_t*>(slot->r_offset) =
        reinterpret_cast<uintptr_t (*)()>(slot->r_addend)();
}

/// The stack protector's and setjmp's secrets, where the x86-64 ABI of glibc has them.
void set_guards() {
  const uintptr_t canary = _dl_random[0] & ~uintptr_t{0xff};  // ends a string that runs into it
  __asm__ volatile("movq %0, %%fs:0x28" : : "r"(canary));
  __asm__ volatile("movq %0, %%fs:0x30" : : "r"(_dl_random[1]));
}

void finish(void*) {
  for (const Finalizer* each = __fini_array_end; each > __fini_array_start;) (*--each)();
  _fini();
}

}  // namespace

int __libc_start_main(Main main, int argc, char** argv, void (*)(), void (*)(),
                      void (*loader_end)(), void* stack_end) {
  environ = argv + argc + 1;
  __libc_stack_end = stack_end;
  char** end = environ;
  while (*end != nullptr) ++end;
  _dl_aux_init(reinterpret_cast<Elf64_auxv_t*>(end + 1));
  char* none = nullptr;
  __tunables_init(&none);
  _dl_relocate_static_pie();
  choose_functions();
  __libc_setup_tls();
  set_guards();
  if (loader_end != nullptr)
    __cxa_atexit(reinterpret_cast<void (*)(void*)>(loader_end), nullptr, nullptr);
  __libc_early_init(true);
  __libc_init_first(argc, argv, environ);
  __cxa_atexit(finish, nullptr, nullptr);
  if (__libc_enable_secure != 0) __libc_check_standard_fds();
  for (const Initializer* each = __preinit_array_start; each < __preinit_array_end; ++each)
    (*each)(argc, argv, environ);
  _init();
  for (const Initializer* each = __init_array_start; each < __init_array_end; ++each)
    (*each)(argc, argv, environ);
  std::exit(main(argc, argv, environ));
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
