//! Who may call, where clients say by SASL who they are: checks run in tasks, as handlers do.

use pyo3::intern;
use pyo3::prelude::*;

use super::peer::Peer;
use super::state::State;
use crate::server::sasl::{Checks, Question};

impl Peer {
    /// Has somebody asked who the peer is, which said something of itself. Whether it is known by now.
    #[cold]
    pub(super) fn judge(this: &Bound<'_, Self>, state: &mut State) -> PyResult<bool> {
        let py = this.py();
        if state.question.is_some() {
            return Ok(false);
        }
        let Some(checks) = &this.get().serving.get().services().checks else {
            state.rpc.refuse_peer("nobody is let in");
            return Ok(true);
        };
        let url = || this.get().url(py);
        match checks.question(py, &state.rpc, &mut state.introduction) {
            Ok(Some(question)) => Self::ask(this, state, question).map(|()| false),
            Ok(None) => {
                Checks::conclude(py, &mut state.rpc, &mut state.introduction, Ok(None), url());
                Ok(true)
            }
            Err(error) => {
                Checks::conclude(py, &mut state.rpc, &mut state.introduction, Err(error), url());
                Ok(true)
            }
        }
    }

    /// Asks in a task, which tells the peer's protocol of its end.
    fn ask(this: &Bound<'_, Self>, state: &mut State, question: Question) -> PyResult<()> {
        let py = this.py();
        let (check, arguments) = question.call(py);
        let task = this.get().serving.get().ask(check, arguments)?;
        state.question = Some((question, task.clone().unbind()));
        task.call_method1(intern!(py, "add_done_callback"), (this.getattr(intern!(py, "_judged"))?,)).map(drop)
    }

    /// Goes on with what the task gave.
    pub(super) fn conclude(this: &Bound<'_, Self>, state: &mut State, returned: PyResult<Bound<'_, PyAny>>) {
        let Some((question, _)) = state.question.take() else { return };
        let answered = returned.map(|returned| Some((question, returned)));
        Checks::conclude(this.py(), &mut state.rpc, &mut state.introduction, answered, this.get().url(this.py()));
    }
}
