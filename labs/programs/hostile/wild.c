/* Writes everywhere. */
int main(void)
{
	for (unsigned at = 0x10;; at += 0x10000)
		*(volatile unsigned *)at = at;
}
