/* Reads what a null pointer points to. */
#include <stdio.h>

int main(int argc, char **argv)
{
	int *nothing = argc > 100 ? (int *)argv : NULL;
	printf("%d\n", *nothing);
	return 0;
}
