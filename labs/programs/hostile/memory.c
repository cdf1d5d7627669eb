/* Takes all the memory there is, and 4 GiB at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(void)
{
	void *volatile huge = malloc(0xf0000000u);
	if (huge || mmap(NULL, 0xf0000000u, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		return 1;
	size_t mib = 0;
	for (char *volatile block; (block = malloc(1 << 20)); mib++)
		memset(block, 0xa5, 1 << 20);
	perror("malloc");
	printf("%s\n", mib > 200 && mib <= 256 ? "as much as a program of the lab may have" : "another amount");
	return 0;
}
