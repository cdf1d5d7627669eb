/* Prints without an end. */
#include <stdio.h>

int main(void)
{
	for (unsigned long n = 0;; n++)
		printf("%lu bottles of beer on the wall\n", n);
}
