/* sys/mman.h itself has the numbers of Linux. */
