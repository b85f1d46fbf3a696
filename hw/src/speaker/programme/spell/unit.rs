//! Units by their symbols.

/// A unit and its names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unit {
    symbol: &'static str,
    pub(super) zh: &'static str,
    pub(super) one: &'static str,
    pub(super) many: &'static str,
}

const fn unit(symbol: &'static str, zh: &'static str, one: &'static str, many: &'static str) -> Unit {
    Unit { symbol, zh, one, many }
}

/// A symbol that another begins with stands behind it.
static UNITS: [Unit; 33] = [
    unit("μg/m³", "微克每立方米", "microgram per cubic metre", "micrograms per cubic metre"),
    unit("µg/m³", "微克每立方米", "microgram per cubic metre", "micrograms per cubic metre"),
    unit("ug/m3", "微克每立方米", "microgram per cubic metre", "micrograms per cubic metre"),
    unit("mg/m³", "毫克每立方米", "milligram per cubic metre", "milligrams per cubic metre"),
    unit("mg/m3", "毫克每立方米", "milligram per cubic metre", "milligrams per cubic metre"),
    unit("km/h", "公里每小时", "kilometre per hour", "kilometres per hour"),
    unit("m/s", "米每秒", "metre per second", "metres per second"),
    unit("dB(A)", "分贝", "decibel", "decibels"),
    unit("dB", "分贝", "decibel", "decibels"),
    unit("°C", "摄氏度", "degree Celsius", "degrees Celsius"),
    unit("℃", "摄氏度", "degree Celsius", "degrees Celsius"),
    unit("°", "度", "degree", "degrees"),
    unit("ppm", "ppm", "part per million", "parts per million"),
    unit("min", "分钟", "minute", "minutes"),
    unit("kW", "千瓦", "kilowatt", "kilowatts"),
    unit("kg", "公斤", "kilogram", "kilograms"),
    unit("km", "公里", "kilometre", "kilometres"),
    unit("cm", "厘米", "centimetre", "centimetres"),
    unit("mm", "毫米", "millimetre", "millimetres"),
    unit("m²", "平方米", "square metre", "square metres"),
    unit("㎡", "平方米", "square metre", "square metres"),
    unit("m³", "立方米", "cubic metre", "cubic metres"),
    unit("㎏", "公斤", "kilogram", "kilograms"),
    unit("㎞", "公里", "kilometre", "kilometres"),
    unit("lx", "勒克斯", "lux", "lux"),
    unit("Hz", "赫兹", "hertz", "hertz"),
    unit("V", "伏", "volt", "volts"),
    unit("L", "升", "litre", "litres"),
    unit("m", "米", "metre", "metres"),
    unit("s", "秒", "second", "seconds"),
    unit("h", "小时", "hour", "hours"),
    unit("t", "吨", "tonne", "tonnes"),
    unit("g", "克", "gram", "grams"),
];

/// The unit that a text begins with, and the length of its symbol.
pub(super) fn find(chars: &[char]) -> Option<(&'static Unit, usize)> {
    UNITS.iter().find_map(|unit| {
        let n = unit.symbol.chars().count();
        let is_it = chars.len() >= n && unit.symbol.chars().eq(chars[..n].iter().copied());
        // "m" of "metres" is no unit; neither is "t" of "two".
        let ends = chars.get(n).is_none_or(|c| !c.is_ascii_alphanumeric());
        (is_it && ends).then_some((unit, n))
    })
}
