/* Writes over what the program shares with its engine. */
#include <string.h>
#include <unistd.h>

int main(void)
{
	for (unsigned seed = 1;; seed++) {
		volatile unsigned char *shared = (volatile unsigned char *)0x900000;
		for (int i = 4; i < 96; i++)
			shared[i] = seed * i;
		getpid();
	}
}
