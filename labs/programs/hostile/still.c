/* Never ends, and never looks at memory. */
int main(void)
{
	for (;;)
		;
}
