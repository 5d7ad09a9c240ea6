//! The text of doc comments, cleaned of their marks as Apache's compiler does.

/// Cleans a doc comment, given with its `/**` and `*/`. `None` when nothing is left.
///
/// Carriage returns go; so does the column of stars, when every line has it at the same place; so does what indentation the lines after
/// the first have in common, and blanks at the ends of lines. An empty first line and empty last ones are dropped. The lines of the
/// result are joined by line breaks, with none at the end.
pub fn clean(comment: &str) -> Option<Box<str>> {
    let body = comment.strip_prefix("/**").unwrap_or(comment);
    let body = body.strip_suffix("*/").unwrap_or(body).replace('\r', "");
    let (first, rest) = body.split_once('\n').unwrap_or((&body, ""));
    let mut lines: Vec<&str> = rest.split('\n').map(|line| if is_blank(line) { "" } else { line }).collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    strip_stars(&mut lines);
    strip_indent(&mut lines);
    let first = trim_blanks(first);
    if !first.is_empty() {
        lines.insert(0, first);
    }
    let text = lines.iter().map(|line| line.trim_end_matches([' ', '\t'])).collect::<Vec<_>>().join("\n");
    let text = text.trim_end_matches('\n');
    if text.bytes().all(|byte| byte == b'\n') { None } else { Some(text.into()) }
}

fn is_blank(line: &str) -> bool {
    trim_blanks(line).is_empty()
}

fn trim_blanks(line: &str) -> &str {
    line.trim_matches([' ', '\t'])
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// Removes ` *` from every line, when every line that is not blank has it at the same column.
fn strip_stars(lines: &mut [&str]) {
    let mut columns = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| (indent_of(line), line.trim_start_matches([' ', '\t']).starts_with('*')));
    let Some((column, true)) = columns.next() else { return };
    if columns.all(|(other, has_star)| has_star && other == column) {
        for line in lines.iter_mut().filter(|line| !line.is_empty()) {
            *line = &line[column + 1..];
            if is_blank(line) {
                *line = "";
            }
        }
    }
}

/// Removes the indentation that all lines have in common.
fn strip_indent(lines: &mut [&str]) {
    let common = lines.iter().filter(|line| !line.is_empty()).map(|line| indent_of(line)).min().unwrap_or(0);
    for line in lines.iter_mut().filter(|line| !line.is_empty()) {
        *line = &line[common..];
    }
}

#[cfg(test)]
mod tests {
    use super::clean;

    fn cleaned(comment: &str) -> String {
        clean(comment).map(String::from).unwrap_or_default()
    }

    #[test]
    fn a_column_of_stars_goes() {
        assert_eq!(cleaned("/**\n * One.\n *\n *   Two,\n * three. \n */"), "One.\n\n  Two,\nthree.");
        assert_eq!(cleaned("/** One.\r\n  * Two.\r\n  */"), "One.\nTwo.");
    }

    #[test]
    fn stars_stay_when_a_line_has_none() {
        assert_eq!(cleaned("/**\n  * One\n  two\n */"), "* One\ntwo");
    }

    #[test]
    fn common_indentation_goes_and_inner_indentation_stays() {
        assert_eq!(cleaned("/** First\n     second\n       third\n*/"), "First\nsecond\n  third");
    }

    #[test]
    fn a_comment_of_blanks_and_stars_is_none() {
        assert_eq!(clean("/** */"), None);
        assert_eq!(clean("/**\n *\n */"), None);
    }

    #[test]
    fn empty_lines_at_the_end_go() {
        assert_eq!(cleaned("/**\n * One.\n *\n **/"), "One.");
    }

    #[test]
    fn a_single_line_is_trimmed() {
        assert_eq!(cleaned("/**  Hello, world.  */"), "Hello, world.");
    }
}
