/** Calendar of the lab: UTC, without the host's clock. */

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

export interface CalendarTime {
  year: number;
  /** 0…11. */
  month: number;
  day: number;
  weekday: number;
  yearDay: number;
  hour: number;
  minute: number;
  second: number;
  milliseconds: number;
}

const DAY_MS = 86_400_000;

/** Calendar fields of milliseconds since 1970, UTC (proleptic Gregorian). */
export function calendar(ms: number): CalendarTime {
  const days = Math.floor(ms / DAY_MS);
  const rest = ms - days * DAY_MS;
  // Days since 1 March of year 0, in eras of 400 years.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 2 : shiftedMonth - 10;
  const year = yearOfEra + era * 400 + (month < 2 ? 1 : 0);
  return {
    year,
    month,
    day,
    weekday: (((days + 4) % 7) + 7) % 7,
    yearDay: days - daysFrom(year, 0, 1) + 1,
    hour: Math.floor(rest / 3_600_000),
    minute: Math.floor(rest / 60_000) % 60,
    second: Math.floor(rest / 1000) % 60,
    milliseconds: rest % 1000,
  };
}

/** Days from 1970-01-01 to a date; `month` is 0…11. */
export function daysFrom(year: number, month: number, day: number): number {
  const y = month < 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const shifted = month < 2 ? month + 10 : month - 2;
  const dayOfYear = Math.floor((153 * shifted + 2) / 5) + day - 1;
  return (
    era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
  );
}

const two = (value: number): string => String(value).padStart(2, '0');

/** strftime in the C locale, UTC. */
export function formatTime(format: string, ms: number): string {
  const t = calendar(ms);
  const hour12 = t.hour % 12 === 0 ? 12 : t.hour % 12;
  const one = (letter: string, flag: string): string => {
    const number = (value: number, width: number, fill = '0'): string =>
      String(value).padStart(flag === '-' ? 0 : width, flag === '_' ? ' ' : fill);
    switch (letter) {
      case 'a':
        return DAYS[t.weekday]!.slice(0, 3);
      case 'A':
        return DAYS[t.weekday]!;
      case 'b':
      case 'h':
        return MONTHS[t.month]!.slice(0, 3);
      case 'B':
        return MONTHS[t.month]!;
      case 'c':
        return formatTime('%a %b %e %H:%M:%S %Y', ms);
      case 'C':
        return two(Math.floor(t.year / 100));
      case 'd':
        return number(t.day, 2);
      case 'D':
      case 'x':
        return formatTime('%m/%d/%y', ms);
      case 'e':
        return number(t.day, 2, ' ');
      case 'F':
        return formatTime('%Y-%m-%d', ms);
      case 'H':
        return number(t.hour, 2);
      case 'I':
        return number(hour12, 2);
      case 'j':
        return number(t.yearDay, 3);
      case 'k':
        return number(t.hour, 2, ' ');
      case 'l':
        return number(hour12, 2, ' ');
      case 'm':
        return number(t.month + 1, 2);
      case 'M':
        return number(t.minute, 2);
      case 'n':
        return '\n';
      case 'N':
        return `${String(Math.floor(t.milliseconds)).padStart(3, '0')}000000`;
      case 'p':
        return t.hour < 12 ? 'AM' : 'PM';
      case 'P':
        return t.hour < 12 ? 'am' : 'pm';
      case 'r':
        return formatTime('%I:%M:%S %p', ms);
      case 'R':
        return formatTime('%H:%M', ms);
      case 's':
        return String(Math.floor(ms / 1000));
      case 'S':
        return number(t.second, 2);
      case 't':
        return '\t';
      case 'T':
      case 'X':
        return formatTime('%H:%M:%S', ms);
      case 'u':
        return String(t.weekday === 0 ? 7 : t.weekday);
      case 'w':
        return String(t.weekday);
      case 'y':
        return two(t.year % 100);
      case 'Y':
        return String(t.year);
      case 'z':
        return '+0000';
      case 'Z':
        return 'UTC';
      case '%':
        return '%';
      default:
        return `%${flag}${letter}`;
    }
  };
  return format.replace(/%([-_0^#:]?)([a-zA-Z%])/g, (_, flag: string, letter: string) => one(letter, flag));
}
