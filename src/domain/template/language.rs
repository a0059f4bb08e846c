//! What templates may say: the part of minijinja's language that cannot make much out of little.

/// Blocks that cannot gather anything up.
const BLOCKS: [&str; 8] = ["for", "endfor", "if", "elif", "else", "endif", "with", "endwith"];

/// Longest expression: what is read to a tree as deep as the expression is long would overflow the stack.
const CODE_MAX_CHARS: usize = 400;

/// Most blocks within each other, for the same reason.
const DEPTH_MAX: i32 = 16;

/// Refuses what minijinja would take but what could make much out of little.
pub(super) fn check_language(text: &str) -> Result<(), String> {
    let mut rest = text;
    let mut depth = 0;
    while let Some(start) = next_mark(rest) {
        let line = text[..text.len() - rest.len() + start].matches('\n').count() + 1;
        let (open, inner) = (&rest[start..start + 2], &rest[start + 2..]);
        let close = match open {
            "{{" => "}}",
            "{%" => "%}",
            _ => "#}",
        };
        let end = if open == "{#" { inner.find(close) } else { end_of_code(inner, close) };
        let end = end.ok_or_else(|| format!("line {line}: {open} is never closed by {close}"))?;
        let code = &inner[..end];
        if open != "{#" {
            let opened = check_code(code, open == "{%").map_err(|message| format!("line {line}: {message}"))?;
            depth += opened;
            if depth > DEPTH_MAX {
                return Err(format!("line {line}: more than {DEPTH_MAX} blocks within each other"));
            }
        }
        rest = &inner[end + 2..];
    }
    Ok(())
}

/// Refuses code that is not available; answers how many blocks it opens (closes, when negative).
fn check_code(code: &str, is_block: bool) -> Result<i32, String> {
    if code.chars().count() > CODE_MAX_CHARS {
        return Err(format!("an expression of more than {CODE_MAX_CHARS} characters"));
    }
    let bare = without_texts(code);
    if let Some(operator) = ["~", "*", "+"].into_iter().find(|operator| bare.contains(operator)) {
        return Err(format!("the operator {operator} is not available"));
    }
    let mut words = bare.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    if is_block {
        let block = words.next().unwrap_or_default();
        if !BLOCKS.contains(&block) {
            return Err(format!("{{% {block} %}} is not available; for, if and with are"));
        }
        let opened = match block {
            "for" | "if" | "with" => 1,
            "endfor" | "endif" | "endwith" => -1,
            _ => 0,
        };
        if block == "for" && words.any(|word| word == "recursive") {
            return Err("recursive loops are not available".to_owned());
        }
        return Ok(opened);
    }
    Ok(0)
}

/// Where the next code or comment begins.
fn next_mark(text: &str) -> Option<usize> {
    let is_mark = |at: &usize| matches!(text.as_bytes().get(at + 1), Some(b'{' | b'%' | b'#'));
    text.match_indices('{').map(|(at, _)| at).find(is_mark)
}

/// Where code ends: the first closing mark that stands in no text. Looks no further than that, since there may be many codes.
fn end_of_code(code: &str, close: &str) -> Option<usize> {
    let (mut quote, mut is_escaped) = (None, false);
    for (at, c) in code.char_indices() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if c == '\\' => is_escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if code[at..].starts_with(close) => return Some(at),
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None => {}
        }
    }
    None
}

/// The code with everything between quotes blanked out, byte for byte.
fn without_texts(code: &str) -> String {
    let mut quote = None;
    let mut is_escaped = false;
    let blank = |c: char| " ".repeat(c.len_utf8());
    code.chars()
        .map(|c| match quote {
            Some(_) if is_escaped => {
                is_escaped = false;
                blank(c)
            }
            Some(open) => {
                is_escaped = c == '\\';
                quote = (c != open).then_some(open);
                blank(c)
            }
            None if matches!(c, '"' | '\'') => {
                quote = Some(c);
                blank(c)
            }
            None => c.to_string(),
        })
        .collect()
}
