"""Network interfaces and RAID arrays, as the kernel shows them in sysfs."""
