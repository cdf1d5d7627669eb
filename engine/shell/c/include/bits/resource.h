/* sys/resource.h itself has the numbers of Linux. */
