#include <bits/errno.h>
