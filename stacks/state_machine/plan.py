"""The plan as a state machine, from top to bottom.

It decides nothing: ``responder/plan/next_step.py`` names the next state in each step's result, and the choices here go
there. If a step fails, the ``fallback`` of the previous result says what follows.
"""

from __future__ import annotations

from responder.plan.course import State
from responder.plan.next_step import AFTER_UPDATE, WAYS
from stacks.state_machine.asl import DECIDE, ENTERED, ERROR, INPUT, QUESTION, REPORT, TELL, Machine, caught, version

_IS_NEW, _IS_CONFIRMED, _IS_DIAGNOSIS_WANTED = "Is it a new incident?", "Is it confirmed?", "Is a diagnosis wanted?"
_IS_REMEDY, _MAY_IT, _LEFT_TO_TRY = "Is there a remedy?", "May it be applied?", "What is left to try?"
_HAS_RECOVERED, _IS_NEWER, _IS_TEMPORARY = ("Has it recovered?", "Is there a newer alarm?",
                                            "Is a temporary change in place?")
_WHAT_COMES, _PAGE = "What comes after the update?", "Page people directly"

_ELSEWHERE = caught(_LEFT_TO_TRY, failure=ERROR, next="{% $fallback.next %}", course="{% $fallback.course %}",
                    # If that fails as well, people take over.
                    fallback={"next": State.ESCALATE.value, "course": "{% $fallback.course %}"})
_BY_PEOPLE = caught(State.LEAVE, failure=ERROR)
_DIRECTLY = caught(_PAGE, failure=ERROR)
_GOES_ON = {name: f"{{% $states.result.Payload.{name} %}}" for name in ("next", "course", "fallback")}
_THEN, _NEXT = {"next": "{% $course.then %}"}, {"next": "{% $course.after %}"}


def plan() -> Machine:
    """Return the plan's states."""
    machine = Machine()
    for name, add in (("The start", _start), ("1. Initial response", _initial_response),
                      ("2. Investigation and diagnosis", _investigation), ("3. Recovery and resolution", _recovery),
                      ("3. Monitor the recovery", _monitoring), ("3. Collaboration with relevant teams", _people),
                      ("4. Post-incident review", _review), ("After the incident", _cleanup), ("The end", _end)):
        machine.part(name)
        add(machine)
    machine.variables = {
        "incident": "its id, service and times, as it was opened", "sources": "which are asked in each phase",
        "warm": "the functions that are started beside a phase's questions, for they are needed later",
        "course": "how far the incident has come (`lambdas/responder/plan/course.py`)",
        "next": "the state that the last step named", "fallback": "`next` and `course` where what comes now fails",
        "confirmation": "what the confirmation found, for the steps that go on from it",
        "failure": "the last error of a step, in Step Functions' words",
        "functions": "the version of each source's and remedy's function, by its name; the stack sets it"}
    return machine


def definition(machine: Machine) -> dict[str, object]:
    """Return the state machine's definition in Amazon States Language."""
    return {"Comment": "Incident response plan: payment gateway outage", "QueryLanguage": "JSONata",
            "TimeoutSeconds": 172800, "StartAt": next(iter(machine.states)), "States": machine.states}


def _given(do: str, **more: object) -> dict[str, object]:
    return {"do": do, "incident": "{% $incident %}", "entered": ENTERED, "course": "{% $course %}", **more}


def _start(m: Machine) -> None:
    m.task("Open the incident", DECIDE, {
        "do": "open", "input": INPUT, "execution": "{% $states.context.Execution.Id %}",
        "started": "{% $states.context.Execution.StartTime %}", "entered": ENTERED, "course": {}}, _IS_NEW,
        comment="One incident a service, however many alarms come: later signals attach to the one that is open.",
        catch=caught(_PAGE, failure=ERROR, course={}, incident={
            "id": "none", "service": "{% $states.context.Execution.Name %}"}),
        keep={**_GOES_ON, "confirmation": {}, "failure": {}, "functions": {}})
    known = {"incident": "{% $states.input.result.incident %}"}
    m.choice(_IS_NEW, WAYS["open"], assign={
        State.VERIFY: known | {name: f"{{% $states.input.result.{name} %}}" for name in ("sources", "warm")},
        State.REPORT: known})
    m.succeed(State.ANSWER, "The signal is attached to the open incident, or the task marked as done, or the output "
                            "says why not.", INPUT)
    m.fail(State.REFUSE, "RefusedInput", "$states.input.result.reason")


def _initial_response(m: Machine) -> None:
    m.ask(State.VERIFY, "confirm", "Confirm the incident",
          "Plan, 1: New Relic for error rates, CloudWatch for connectivity, Splunk for error messages; side by side. "
          "Beside them, what is asked later is started, and what answers slowly is asked already.", _ELSEWHERE,
          ahead="diagnose",
          warm=f"$course.round = 1 ? [$lookup($warm, 'confirm').($lookup($functions, $)), '{DECIDE}'] : []")
    m.task("Confirm the incident", DECIDE, _given("confirm", answers=INPUT), "Assemble the team",
           comment="Plan, 1: two of three sources decide.", catch=_ELSEWHERE,
           keep={**_GOES_ON, "confirmation": "{% $states.result.Payload.result %}"})
    m.task("Assemble the team", TELL, _given("assemble", confirmation="{% $confirmation %}"), _IS_CONFIRMED,
           comment="Plan, 1: once it is confirmed, or a minute old. The rest does not wait for it.", seconds=20,
           how="Event", catch=caught(_IS_CONFIRMED), output=INPUT)
    m.choice(_IS_CONFIRMED, WAYS["confirm"], comment="People look at what cannot be confirmed.")
    m.wait(State.WAIT_TO_VERIFY, "$course.wait", State.VERIFY)
    m.ask(State.IDENTIFY, "isolate", "Isolate the issue",
          "Plan, 1: Kubernetes health checks, to identify failing pods.", _ELSEWHERE)
    m.task("Isolate the issue", DECIDE, _given("isolate", answers=INPUT, confirmation="{% $confirmation %}"),
           _IS_DIAGNOSIS_WANTED, comment="Plan, 1: all components, or specific parts?", catch=_ELSEWHERE, keep=_GOES_ON)
    m.choice(_IS_DIAGNOSIS_WANTED, WAYS["isolate"], comment="A person may have asked for the first phases only.")


def _investigation(m: Machine) -> None:
    m.ask(State.GATHER, "diagnose", "Diagnose the root cause",
          "Plan, 2: recent code deployments and configuration changes, AWS Health, utilisation. Beside them, remedies "
          "that may follow are started.", _ELSEWHERE,
          warm="$course.attempt = 1 ? $lookup($warm, 'diagnose').($lookup($functions, $)) : []")
    m.task("Diagnose the root cause", DECIDE, _given("diagnose", answers=INPUT, confirmation="{% $confirmation %}"),
           _IS_REMEDY, comment="Plan, 2: probable root cause analysis.", catch=_ELSEWHERE, keep=_GOES_ON)
    m.choice(_IS_REMEDY, WAYS["diagnose"])


def _recovery(m: Machine) -> None:
    def remedy(operation: str) -> dict[str, object]:
        return {"incident": "{% $incident %}", "entered": ENTERED, "course": "{% $course %}", "operation": operation}

    function = version("$course.remedies[$course.place].function")
    m.task(State.PLAN, function, remedy("plan"), State.GUARD, catch=_ELSEWHERE, keep=_GOES_ON,
           comment="Plan, 3: what would be done, and what is there before it.")
    m.task(State.GUARD, DECIDE, _given("guard"), _MAY_IT, catch=_ELSEWHERE, keep=_GOES_ON,
           comment="The one way to a remedy. They are checked again after people were asked, because time has passed; "
                   "the people's answer is read from the table, not from here.")
    m.choice(_MAY_IT, (State.APPLY, State.APPROVAL), otherwise=_LEFT_TO_TRY)
    m.task(State.APPROVAL, TELL, _given("approval") | {"token": "{% $states.context.Task.Token %}"}, State.GUARD,
           how=".waitForTaskToken", seconds=900, retry=QUESTION, output={},
           catch=[{"ErrorEquals": ["States.ALL"], "Output": {}, "Next": State.GUARD}],
           comment="People are asked. They answer as themselves by IAM or in Slack, or by a link where the risk is "
                   "low. The stack sets how long, from approval.wait_seconds.")
    m.task(State.APPLY, function, remedy("apply"), _LEFT_TO_TRY, catch=_ELSEWHERE, keep=_GOES_ON,
           comment="Plan, 3: the one state that changes something; a repeat finds its own mark.")
    m.choice(_LEFT_TO_TRY, (State.PLAN, State.INFORM, State.WATCH, State.GATHER, State.STAND_DOWN, State.UPDATE,
                            State.ESCALATE),
             comment="The next remedy, as two faults at once have two. Then what was changed is watched, also where a "
                     "later step failed. After a remedy that did not help: further investigation, and people in the "
                     "end.")


def _monitoring(m: Machine) -> None:
    m.task(State.INFORM, TELL, _given("{% $course.tell %}"), State.WATCH, seconds=20, how="Event",
           comment="Plan, 3: communicate the situation transparently, or remind people of an open task. The watch does "
                   "not wait for it.", catch=caught(State.WATCH), output=INPUT)
    m.task(State.UPDATE, TELL, _given("customers"), _WHAT_COMES, seconds=20, how="Event", keep=_NEXT, output=INPUT,
           catch=caught(_WHAT_COMES, **_NEXT), comment="Customers hear more by the time that they were told, or that "
           "it is there again. Nothing waits for it.")
    m.choice(_WHAT_COMES, AFTER_UPDATE, comment="Where the plan was going.")
    m.wait(State.WATCH, "$course.wait", "Check error rates and health")
    m.ask("Check error rates and health", "watch", "Monitor the recovery",
          "Plan, 3: closely monitor error rates and system health.", _ELSEWHERE, since="$course.changed_since")
    m.task("Monitor the recovery", DECIDE, _given("monitor", answers=INPUT, confirmation="{% $confirmation %}"),
           _HAS_RECOVERED, catch=_ELSEWHERE, keep=_GOES_ON)
    m.choice(_HAS_RECOVERED, WAYS["monitor"])
    m.revert(State.ROLL_BACK, "Roll one back", "It stays", _LEFT_TO_TRY, catch=_ELSEWHERE, keep=_THEN,
             comment="Remedies that did not help are undone, the last one first, but those that are safer kept.",
             why="What could not be rolled back is on record as applied, for people.")


def _people(m: Machine) -> None:
    m.task(State.ESCALATE, TELL, _given("close", operation="escalate", failure="{% $failure %}"), State.INTERIM,
           comment="Plan, 3: further investigation and collaboration with relevant teams.", catch=_DIRECTLY,
           keep=_GOES_ON)
    m.task(State.INTERIM, REPORT, _given("review"), State.WATCH, seconds=100, catch=caught(State.WATCH),
           comment="What is known so far, for those who take over.")


def _review(m: Machine) -> None:
    m.task(State.STAND_DOWN, TELL, _given("close", operation="stand_down"), _IS_NEWER, catch=_DIRECTLY,
           comment="The incident's place is free again, and people know how it ended.",
           keep={**_GOES_ON, "failure": {}})
    m.choice(_IS_NEWER, WAYS["stand_down"], comment="An alarm that came while the incident was ending, or while only "
                                                    "its first phases were wanted, is looked at.")
    m.task(State.REPORT, REPORT, _given("review"), _IS_TEMPORARY, seconds=120, catch=_DIRECTLY, keep=_THEN,
           comment="Plan, 4: document the incident, identify improvement opportunities. Anew after a change was "
                   "restored, or when a person asks for it.")
    m.choice(_IS_TEMPORARY, WAYS["aftercare"],
             comment="More pods, the other provider, a closed node: restored when they are no longer needed.")


def _cleanup(m: Machine) -> None:
    m.wait(State.WAIT_TO_RESTORE, "$course.wait", "Check whether it is still needed")
    m.ask("Check whether it is still needed", "aftercare", "Decide on the cleanup",
          "The cloud's metrics, the providers and the nodes.", _BY_PEOPLE)
    m.task("Decide on the cleanup", DECIDE, _given("aftercare", answers=INPUT), _IS_TEMPORARY, catch=_BY_PEOPLE,
           keep=_GOES_ON)
    m.revert(State.RESTORE, "Restore one", "It stays in place", State.REPORT,
             comment="It helped, and is no longer needed.", catch=_BY_PEOPLE,
             why="It is on record as in place, and is looked at again.")
    m.task(State.LEAVE, TELL, _given("close", operation="left", failure="{% $failure %}"), State.REPORT,
           catch=_DIRECTLY, keep=_GOES_ON)


def _end(m: Machine) -> None:
    m.succeed(State.CLOSED)
    m.publish(_PAGE, "The incident responder itself failed",
              "'The incident responder failed for ' & $incident.service & ' (' & $incident.id & '): ' & "
              "$string($failure.Error) & '. Execution: ' & $states.context.Execution.Id & "
              "'. Work through the plan by hand.' & ($length($course.more_by) > 0 ? "
              "' Customers were told that they hear more by ' & $course.more_by & '; tell them.' : '')",
              "The responder failed",
              "The last resort, which needs none of the responder's functions.")
    m.fail("The responder failed", "ResponderFailed", "$string($failure.Error) & ': ' & $string($failure.Cause)")
