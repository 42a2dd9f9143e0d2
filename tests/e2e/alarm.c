// SPDX-License-Identifier: Apache-2.0
// In a guest: has the real-time clock interrupt in some seconds (its argument), waits for that, and prints how many
// seconds it took by the guest's own clock.
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <linux/rtc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static struct timespec now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time;
}

static void add(struct rtc_time *time, int seconds)
{
    struct tm then = {.tm_sec = time->tm_sec + seconds,
                      .tm_min = time->tm_min,
                      .tm_hour = time->tm_hour,
                      .tm_mday = time->tm_mday,
                      .tm_mon = time->tm_mon,
                      .tm_year = time->tm_year};

    timegm(&then); // carries, over midnight and the end of the year
    *time = (struct rtc_time){.tm_sec = then.tm_sec,
                              .tm_min = then.tm_min,
                              .tm_hour = then.tm_hour,
                              .tm_mday = then.tm_mday,
                              .tm_mon = then.tm_mon,
                              .tm_year = then.tm_year};
}

int main(int argc, char **argv)
{
    struct rtc_wkalrm alarm = {.enabled = 1};
    int rtc = open("/dev/rtc0", O_RDONLY);
    struct timespec start = now(), end;
    unsigned long what;

    if (argc < 2 || rtc < 0 || ioctl(rtc, RTC_RD_TIME, &alarm.time))
        return 1;
    add(&alarm.time, atoi(argv[1]));
    if (ioctl(rtc, RTC_WKALM_SET, &alarm) || read(rtc, &what, sizeof(what)) != sizeof(what))
        return 1;
    end = now();
    printf("%ld\n", (long)(end.tv_sec - start.tv_sec) + (end.tv_nsec >= start.tv_nsec ? 0 : -1));
    return 0;
}
