#include "base/clock.h"

#include "base/check.h"
#include <stdio.h>
#include <time.h>

#define S_PER_DAY INT64_C(86400)
#define FIRST_S   INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define LAST_S    INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

int64_t ear_clock_wall_us(void)
{
    struct timespec now;
    EAR_CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * EAR_US_PER_S + now.tv_nsec / 1000;
}

int64_t ear_clock_mono_ms(void)
{
    struct timespec now;
    EAR_CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct civil {
    unsigned year, month, day, hour, minute, second, fraction_us;
};

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar. Years run from March
 * here, so that the leap day is their last: howardhinnant.github.io/date_algorithms.html. */
static int64_t days_of(unsigned year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* The inverse, for years 1 to 9999. */
static void date_of(int64_t days, struct civil *c)
{
    int64_t z = days + 719468;
    int64_t era = z / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    c->day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    c->month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    c->year = (unsigned)(yoe + era * 400 + (c->month <= 2));
}

void ear_time_format(int64_t at_us, char text[static EAR_TIME_TEXT_BYTES])
{
    if (at_us < FIRST_S * EAR_US_PER_S) at_us = FIRST_S * EAR_US_PER_S;
    if (at_us >= (LAST_S + 1) * EAR_US_PER_S) at_us = (LAST_S + 1) * EAR_US_PER_S - 1;
    int64_t s = at_us / EAR_US_PER_S - (at_us % EAR_US_PER_S < 0);
    int64_t days = s / S_PER_DAY - (s % S_PER_DAY < 0);
    int64_t left = s - days * S_PER_DAY;
    struct civil c = {.fraction_us = (unsigned)(at_us - s * EAR_US_PER_S)};
    date_of(days, &c);
    c.hour = (unsigned)(left / 3600);
    c.minute = (unsigned)(left / 60 % 60);
    c.second = (unsigned)(left % 60);
    /* The remainders change nothing; they tell the compiler that the text fits. */
    int len = snprintf(text, EAR_TIME_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u", c.year % 10000,
                       c.month % 100, c.day % 100, c.hour % 100, c.minute % 100, c.second % 100);
    const char *fmt = c.fraction_us ? ".%06uZ" : "Z";
    snprintf(text + len, EAR_TIME_TEXT_BYTES - (size_t)len, fmt, c.fraction_us);
}

static bool take_char(struct ear_str *s, const char *any, char *got)
{
    if (s->len == 0 || s->ptr[0] == '\0' || !strchr(any, s->ptr[0])) return false;
    *got = s->ptr[0];
    s->ptr++;
    s->len--;
    return true;
}

static bool take_number(struct ear_str *s, size_t digits, unsigned min, unsigned max, unsigned *out)
{
    unsigned value = 0;
    char c;
    for (size_t i = 0; i < digits; i++) {
        if (!take_char(s, "0123456789", &c)) return false;
        value = value * 10 + (unsigned)(c - '0');
    }
    *out = value;
    return value >= min && value <= max;
}

static bool take_fraction(struct ear_str *s, unsigned *fraction_us)
{
    char c;
    *fraction_us = 0;
    if (!take_char(s, ".", &c)) return true;
    unsigned unit = 100000;
    size_t digits = 0;
    for (; take_char(s, "0123456789", &c); digits++) {
        *fraction_us += unit * (unsigned)(c - '0');
        unit /= 10;
    }
    return digits > 0;
}

static bool take_offset(struct ear_str *s, int64_t *offset_s)
{
    char sign;
    char colon;
    unsigned hours;
    unsigned minutes;
    if (!take_char(s, "Zz+-", &sign)) return false;
    *offset_s = 0;
    if (sign == 'Z' || sign == 'z') return true;
    if (!take_number(s, 2, 0, 23, &hours) || !take_char(s, ":", &colon) ||
        !take_number(s, 2, 0, 59, &minutes))
        return false;
    *offset_s = (int64_t)hours * 3600 + (int64_t)minutes * 60;
    if (sign == '-') *offset_s = -*offset_s;
    return true;
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

static bool take_civil(struct ear_str *s, struct civil *c)
{
    char sep;
    return take_number(s, 4, 1, 9999, &c->year) && take_char(s, "-", &sep) &&
           take_number(s, 2, 1, 12, &c->month) && take_char(s, "-", &sep) &&
           take_number(s, 2, 1, days_in(c->year, c->month), &c->day) && take_char(s, "Tt ", &sep) &&
           take_number(s, 2, 0, 23, &c->hour) && take_char(s, ":", &sep) &&
           take_number(s, 2, 0, 59, &c->minute) && take_char(s, ":", &sep) &&
           take_number(s, 2, 0, 60, &c->second) && take_fraction(s, &c->fraction_us);
}

ear_err ear_time_parse(struct ear_str text, int64_t *at_us)
{
    struct civil c;
    int64_t offset_s;
    if (!take_civil(&text, &c) || !take_offset(&text, &offset_s) || text.len) return EAR_INVALID;
    int64_t s = days_of(c.year, c.month, c.day) * S_PER_DAY + (int64_t)c.hour * 3600 +
                (int64_t)c.minute * 60 + c.second - offset_s;
    /* A leap second stands at the end of a UTC day only; as in POSIX it is the next second. */
    if (c.second == 60 && s % S_PER_DAY != 0) return EAR_INVALID;
    if (s < FIRST_S || s > LAST_S) return EAR_INVALID;
    *at_us = s * EAR_US_PER_S + c.fraction_us;
    return EAR_OK;
}
