/* Where a program begins and ends, and the one way to its engine. */
#include "lab.h"
#include <stdlib.h>
#include <unistd.h>

extern unsigned char __heap_base;

/* In place of the underlying library's: getenv and setenv work on it. */
char **__wasilibc_environ;
extern char **environ __attribute__((alias("__wasilibc_environ")));
extern char **_environ __attribute__((alias("__wasilibc_environ")));

void lab_deliver(void);
int __main_argc_argv(int argc, char **argv);
void __wasm_call_ctors(void);

long long lab_call(int number, long long a, long long b, long long c, long long d, long long e, long long f) {
	struct lab_exchange *control = &lab_control;
	control->number = number;
	control->arguments[0] = a;
	control->arguments[1] = b;
	control->arguments[2] = c;
	control->arguments[3] = d;
	control->arguments[4] = e;
	control->arguments[5] = f;
	lab_trap();
	long long result = control->result;
	if (control->deliver != 0) lab_deliver();
	return result;
}

long long lab_system(int number, long long a, long long b, long long c, long long d, long long e, long long f) {
	long long result = lab_call(number, a, b, c, d, e, f);
	if (result < 0 && result > -4096) {
		lab_set_errno((int)-result);
		return -1;
	}
	return result;
}

void lab_note(const char *text) {
	lab_call(LAB_note, P(text), 0, 0, 0, 0, 0);
}

/* main() without parameters is another symbol; this one serves main(argc, argv). */
__attribute__((weak)) int __main_void(void) {
	return __main_argc_argv(lab_control.argc, (char **)LAB_ARGUMENTS_AT);
}

__attribute__((export_name("_start"))) void _start(void) {
	lab_call(LAB_start, P(&__heap_base), 0, 0, 0, 0, 0);
	__wasilibc_environ = (char **)lab_control.environment_at;
	__wasm_call_ctors();
	exit(__main_void());
}

_Noreturn void _Exit(int status) {
	for (;;) lab_call(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

_Noreturn void _exit(int status) {
	_Exit(status);
}

/* The environment is there from the start. */
void __wasilibc_initialize_environ(void) {}
void __wasilibc_ensure_environ(void) {}
