/* Calls itself without an end. */
#include <stdio.h>

static int deeper(volatile int n)
{
	char room[256];
	snprintf(room, sizeof room, "%d", n);
	return deeper(n + 1) + room[0];
}

int main(void)
{
	return deeper(0);
}
