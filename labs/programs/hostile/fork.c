/* Would like to be many. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	for (int i = 0; i < 3; i++)
		if (fork() < 0)
			perror("fork");
	return 0;
}
