/* Never ends, never calls. */
int main(void)
{
	for (volatile unsigned i = 0;; i++)
		;
}
