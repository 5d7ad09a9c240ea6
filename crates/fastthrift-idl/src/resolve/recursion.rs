use fastthrift_schema::{Requiredness, StructId, StructKind, TypeKind};

use super::Resolver;
use crate::diagnostics::{Code, quote};

impl Resolver<'_> {
    /// Warns of structs that required fields lead back to, not through containers: no value of them can be made.
    pub(super) fn check_required_cycles(&mut self) {
        let count = self.structs.len();
        let mut is_done = vec![false; count];
        let mut is_open = vec![false; count];
        for start in 0..count {
            let mut stack = vec![(start, 0)];
            while let Some(top) = stack.last_mut() {
                let (current, place) = *top;
                if place == 0 {
                    if is_done[current] {
                        stack.pop();
                        continue;
                    }
                    is_open[current] = true;
                }
                top.1 = place + 1;
                match self.required_struct(StructId::new(current), place) {
                    Next::End => {
                        is_open[current] = false;
                        is_done[current] = true;
                        stack.pop();
                    }
                    Next::Other => {}
                    Next::Struct(next) if is_open[next] => self.report_required_cycle(current, place, next),
                    Next::Struct(next) => stack.push((next, 0)),
                }
            }
        }
    }

    fn required_struct(&self, id: StructId, place: usize) -> Next {
        let structure = &self.out.structs[id];
        let Some(field) = structure.fields.get(place) else { return Next::End };
        match self.out.types[self.true_type(field.ty)].kind {
            TypeKind::Struct(next)
                if field.requiredness == Requiredness::Required && structure.kind != StructKind::Union =>
            {
                Next::Struct(next.index())
            }
            _ => Next::Other,
        }
    }

    fn report_required_cycle(&mut self, current: usize, place: usize, next: usize) {
        let field = &self.out.structs[StructId::new(current)].fields[place];
        let span = field.span;
        let target = quote(&self.out.structs[StructId::new(next)].name);
        let message =
            format!("the required field {} leads back to {target}, so no value of it can be made", quote(&field.name));
        self.report(Code::RequiredCycle, span, message);
    }
}

enum Next {
    End,
    Other,
    Struct(usize),
}
