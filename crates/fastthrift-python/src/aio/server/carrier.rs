//! What runs coroutines in tasks, and keeps a task for the next one when a coroutine never waited.
//!
//! To make a task for each request, and to let the loop run it in its next round, costs more than most handlers do. So one
//! task is kept that has nothing to do: it waits for a [`Parking`], and a request wakes it at once, from where it is read. The
//! handler runs in a true task then, with all that asyncio has for tasks. Only when it waits, a new task is made for the next request.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::asyncio::CancelledError;
use pyo3::exceptions::{PyAttributeError, PyKeyboardInterrupt, PyStopIteration};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit, intern};

use super::job::Job;
use super::parking::Parking;
use super::serving::Serving;
use crate::object::Object;

/// What a task is called that has nothing to do.
const IDLE: &str = "fastthrift.aio.Server.waits_for_a_request";

/// The coroutine of a task: it runs the coroutines of jobs, one after the other, each in its own context.
#[pyclass(frozen, module = "fastthrift._core")]
pub(super) struct Carrier {
    serving: Py<Serving>,
    parking: Py<Parking>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The task, until its end.
    task: Option<Py<PyAny>>,
    work: Option<Work>,
    /// What the job waits for since its first step, which the task did not make itself.
    awaited: Option<Py<PyAny>>,
    /// The coroutine that was begun last, for what asyncio shows of the task.
    shown: Option<Py<PyAny>>,
    /// The task ended, or is to end when it has nothing to do.
    is_over: bool,
    /// The task made a step since it was woken.
    has_stepped: bool,
}

/// A job that is run.
pub(super) struct Work {
    pub(super) job: Py<Job>,
    pub(super) coroutine: Py<PyAny>,
    /// Runs something in the job's context.
    pub(super) run: Py<PyAny>,
}

/// What a step of a coroutine came to.
enum Step<'py> {
    /// It waits for this.
    Waits(Bound<'py, PyAny>),
    Ends(PyResult<Bound<'py, PyAny>>),
}

impl Carrier {
    /// A task that waits for work, or that has some, which the loop begins in its next round.
    pub(super) fn spawn<'py>(serving: &Bound<'py, Serving>, work: Option<Work>) -> PyResult<Bound<'py, Self>> {
        let py = serving.py();
        let event_loop = serving.get().event_loop().bind(py).clone();
        let parking = Py::new(py, Parking::new(event_loop.clone().unbind()))?;
        let shown = work.as_ref().map(|work| work.coroutine.clone_ref(py));
        let state = Mutex::new(State { work, shown, ..State::default() });
        let carrier = Self { serving: serving.clone().unbind(), parking, state };
        let carrier = Bound::new(py, carrier)?;
        let task = event_loop.call_method1(intern!(py, "create_task"), (&carrier,))?;
        let mut state = carrier.get().state();
        if !state.is_over {
            state.task = Some(task.unbind());
        }
        drop(state);
        Ok(carrier)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a job as far as it goes without waiting, as the task that waits for work; only when it does wait, that task goes on with it.
    pub(super) fn start(this: &Bound<'_, Self>, work: Work) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let serving = me.serving.get();
        let task = me.show(py, &work);
        if task.as_ref().is_none_or(|task| serving.enter_task(py, task).is_err()) {
            // Another task is in the middle of a step, so this one waits for its turn.
            me.state().work = Some(work);
            return Self::wake(this);
        }
        let send = work.coroutine.bind(py).getattr(intern!(py, "send"));
        let stepped = step(py, send.and_then(|send| work.run.bind(py).call1((send, py.None()))));
        if let Some(task) = task {
            serving.leave_task(py, &task)?;
        }
        match stepped {
            Step::Waits(awaited) => {
                let mut state = me.state();
                state.work = Some(work);
                state.awaited = Some(awaited.unbind());
                drop(state);
                Self::wake(this)
            }
            Step::Ends(result) => {
                let fatal = result.as_ref().err().filter(|error| ends_loop(py, error)).map(|error| error.clone_ref(py));
                Job::finish(work.job.bind(py), result.map(Object::from))?;
                serving.keep_spare(this);
                fatal.map_or(Ok(()), Err)
            }
        }
    }

    /// Ends the task, which waits for work.
    pub(super) fn end(this: &Bound<'_, Self>) -> PyResult<()> {
        this.get().state().is_over = true;
        Self::wake(this)
    }

    /// Notes what the task is shown to run, and returns the task.
    fn show(&self, py: Python<'_>, work: &Work) -> Option<Py<PyAny>> {
        let mut state = self.state();
        let before = state.shown.replace(work.coroutine.clone_ref(py));
        let task = state.task.as_ref().map(|task| task.clone_ref(py));
        drop(state);
        drop(before);
        task
    }

    /// What the coroutine that the task runs, or ended with, says of itself; `None` while the task has nothing to do.
    fn of_shown<'py>(&self, py: Python<'py>, name: &str) -> Option<Bound<'py, PyAny>> {
        let state = self.state();
        let (shown, is_over) = (state.shown.as_ref()?.bind(py).clone(), state.is_over);
        drop(state);
        let is_done = || shown.getattr(intern!(py, "cr_frame")).is_ok_and(|frame| frame.is_none());
        if is_over || !is_done() { shown.getattr(name).ok() } else { None }
    }

    /// The same of what an idle coroutine does not have.
    fn of_running<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        self.of_shown(py, name).ok_or_else(|| PyAttributeError::new_err(name.to_owned()))
    }

    fn wake(this: &Bound<'_, Self>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let Some(wake) = me.parking.get().take() else { return Ok(()) };
        me.state().has_stepped = false;
        match wake.call1(py, (&me.parking,)) {
            // Another task is in the middle of a step, so this one waits for its turn.
            Err(_) if !me.state().has_stepped => {
                me.serving.get().event_loop().call_soon_with(py, wake.bind(py), me.parking.bind(py).as_any())
            }
            result => result.map(drop),
        }
    }

    /// Takes the job that is in the middle, at the beginning of a step.
    fn begin(&self) -> Option<Work> {
        let mut state = self.state();
        state.has_stepped = true;
        state.work.take()
    }

    /// Has the task cancelled.
    pub(super) fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        let task = self.state().task.as_ref().map(|task| task.clone_ref(py));
        task.map_or(Ok(()), |task| task.call_method0(py, intern!(py, "cancel")).map(drop))
    }

    /// Forgets the task, which ends by this.
    fn leave(&self) {
        let mut state = self.state();
        state.is_over = true;
        let task = state.task.take();
        drop(state);
        drop(task);
    }

    /// Goes on after a step.
    fn after<'py>(this: &Bound<'py, Self>, work: Work, step: Step<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (py, me) = (this.py(), this.get());
        match step {
            Step::Waits(awaited) => {
                me.state().work = Some(work);
                Ok(awaited)
            }
            Step::Ends(result) => {
                let fatal = result.as_ref().err().filter(|error| is_fatal(py, error)).map(|error| error.clone_ref(py));
                let is_quick = work.job.get().is_attached();
                Job::finish(work.job.bind(py), result.map(Object::from))?;
                drop(work);
                // A task that waited belongs to its request; what was kept under its name is not to reach another.
                if fatal.is_none() && is_quick {
                    return Self::park(this);
                }
                me.leave();
                Err(fatal.unwrap_or_else(|| PyStopIteration::new_err(())))
            }
        }
    }

    /// Waits for work.
    fn park<'py>(this: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let (py, me) = (this.py(), this.get());
        if me.state().is_over || !me.serving.get().keep_spare(this) {
            me.leave();
            return Err(PyStopIteration::new_err(()));
        }
        me.parking.get().enter();
        Ok(me.parking.bind(py).clone().into_any())
    }
}

#[pymethods]
impl Carrier {
    /// A step of the task.
    fn send<'py>(this: &Bound<'py, Self>, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let awaited = this.get().state().awaited.take();
        if let Some(awaited) = awaited {
            this.get().state().has_stepped = true;
            return Ok(awaited.into_bound(this.py()));
        }
        let work = this.get().begin();
        match work {
            Some(work) => {
                let send = work.coroutine.bind(this.py()).getattr(intern!(this.py(), "send"))?;
                let step = step(this.py(), work.run.bind(this.py()).call1((send, value)));
                Self::after(this, work, step)
            }
            None => Self::park(this),
        }
    }

    /// A step of the task that begins with an exception: it was cancelled.
    #[pyo3(signature = (error, value=None, traceback=None))]
    fn throw<'py>(
        this: &Bound<'py, Self>,
        error: Bound<'py, PyAny>,
        value: Option<Bound<'py, PyAny>>,
        traceback: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = traceback;
        let error = value.filter(|value| !value.is_none()).unwrap_or(error);
        let work = this.get().begin();
        let awaited = this.get().state().awaited.take();
        drop(awaited);
        if let Some(work) = work {
            let throw = work.coroutine.bind(this.py()).getattr(intern!(this.py(), "throw"))?;
            let step = step(this.py(), work.run.bind(this.py()).call1((throw, error)));
            return Self::after(this, work, step);
        }
        this.get().leave();
        this.get().serving.get().forget_spare(this);
        Err(PyErr::from_value(error))
    }

    fn close(&self) {
        self.state().is_over = true;
    }

    fn __await__(this: Py<Self>) -> Py<Self> {
        this
    }

    // What asyncio shows of a task is what its coroutine says of itself: here, what that of the handler says.

    #[getter]
    fn __qualname__<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.of_shown(py, "__qualname__").unwrap_or_else(|| intern!(py, IDLE).clone().into_any())
    }

    #[getter]
    fn __name__<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.of_shown(py, "__name__").unwrap_or_else(|| intern!(py, IDLE).clone().into_any())
    }

    #[getter]
    fn cr_code<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.of_running(py, "cr_code")
    }

    #[getter]
    fn cr_frame<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.of_running(py, "cr_frame")
    }

    #[getter]
    fn cr_running<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.of_running(py, "cr_running")
    }

    #[getter]
    fn cr_await<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.of_running(py, "cr_await")
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.serving)?;
        visit.call(&self.parking)?;
        let Ok(state) = self.state.try_lock() else { return Ok(()) };
        visit.call(&state.task)?;
        visit.call(&state.awaited)?;
        visit.call(&state.shown)?;
        if let Some(work) = &state.work {
            visit.call(&work.job)?;
            visit.call(&work.coroutine)?;
            visit.call(&work.run)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let state = std::mem::take(&mut *self.state());
        drop(state);
    }
}

fn step<'py>(py: Python<'py>, result: PyResult<Bound<'py, PyAny>>) -> Step<'py> {
    match result {
        Ok(awaited) => Step::Waits(awaited),
        Err(error) => Step::Ends(stop_value(py, error)),
    }
}

/// What a coroutine returned, which its end is an exception of.
fn stop_value(py: Python<'_>, error: PyErr) -> PyResult<Bound<'_, PyAny>> {
    if error.is_instance_of::<PyStopIteration>(py) { error.value(py).getattr(intern!(py, "value")) } else { Err(error) }
}

/// Whether an exception ends more than the call: a task that was cancelled is to end so, and the loop ends with the program.
fn is_fatal(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<CancelledError>(py) || ends_loop(py, error)
}

/// Whether an exception is for whoever runs the loop: Ctrl-C, which comes to whatever code runs at the time. A handler that
/// exits ends its call and nothing else, as in a thread.
pub(super) fn ends_loop(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyKeyboardInterrupt>(py)
}
