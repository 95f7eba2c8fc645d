//! Patterns of `*` and `?` without regard to the case of ASCII letters, as SQL's LIKE compares.

/// Whether the whole text is of the pattern's shape; time at most the product of their lengths.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last `*` does not fit: that `*` then takes one character more.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if *wanted == '?' || wanted.eq_ignore_ascii_case(&text[t]) => {
                p += 1;
                t += 1;
            }
            Some(_) | None => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                p = at + 1;
                t = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

/// The same pattern for `LIKE … ESCAPE '\'`.
pub(crate) fn as_like(pattern: &str) -> String {
    pattern.chars().fold(String::new(), |mut like, letter| {
        match letter {
            '*' => like.push('%'),
            '?' => like.push('_'),
            other => push_escaped(&mut like, other),
        }
        like
    })
}

/// Any text that has this in it, for `LIKE … ESCAPE '\'`.
pub(crate) fn containing(part: &str) -> String {
    let mut like = String::from("%");
    part.chars().for_each(|letter| push_escaped(&mut like, letter));
    like.push('%');
    like
}

/// Whether the part is anywhere in the text.
pub(crate) fn contains(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    part.is_empty() || text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

fn push_escaped(like: &mut String, letter: char) {
    if matches!(letter, '%' | '_' | '\\') {
        like.push('\\');
    }
    like.push(letter);
}
