"""The plan as a state machine, from top to bottom."""

from __future__ import annotations

from stacks.state_machine.asl import (
    DECIDE,
    ENTERED,
    ERROR,
    INPUT,
    PAYLOAD,
    QUESTION,
    REPORT,
    TELL,
    Machine,
    caught,
    value,
    way,
)

_ESCALATE = caught("Escalate", failure=ERROR)
_PAGE = caught("Page people directly", failure=ERROR)
_CHANGED = caught("Is something to be watched?", failure=ERROR)
_WATCHED = caught("Do people watch already?", failure=ERROR)
_LEAVE = caught("Leave it to people", failure=ERROR)
_EVERY = "{% $settings.check_every_seconds %}"
_LOOK = {"attempt": value("$attempt + 1"), "watching": "look", "since": ENTERED,
         "wait": "{% $settings.look_wait_seconds %}"}
_WATCH = {"watching": "remedy", "number": value("$number + 1"), "since": ENTERED, "wait": _EVERY}


def plan() -> Machine:
    """Return the plan's states."""
    machine = Machine()
    for name, add in (("The incident", _opened), ("1. Initial response", _initial_response),
                      ("2. Investigation and diagnosis", _investigation), ("3. Recovery and resolution", _remedy),
                      ("3. Monitor the recovery", _watch), ("3. Collaboration with people", _people),
                      ("4. Post-incident review", _review), ("After the incident", _aftercare), ("The end", _end)):
        machine.part(name)
        add(machine)
    return machine


def definition(machine: Machine) -> dict[str, object]:
    """Return the state machine's definition in Amazon States Language."""
    return {"Comment": "Incident response plan: payment gateway outage", "QueryLanguage": "JSONata",
            "TimeoutSeconds": 172800, "StartAt": next(iter(machine.states)), "States": machine.states}


def _given(do: str, **more: object) -> dict[str, object]:
    return {"do": do, "incident": "{% $incident %}", "entered": ENTERED, **more}


def _opened(m: Machine) -> None:
    m.task("Open the incident", DECIDE, {
        "do": "open", "input": INPUT, "execution": "{% $states.context.Execution.Id %}",
        "started": "{% $states.context.Execution.StartTime %}", "entered": ENTERED}, "Is it a new incident?",
        comment="One incident a service, however many alarms come: later signals attach to the one that is open.",
        catch=caught("Page people directly", failure=ERROR,
                     incident={"id": "none", "service": "{% $states.context.Execution.Name %}"}),
        keep={"opened": PAYLOAD, "number": 1, "round": 1, "watching": "", "since": "", "failure": {},
              "confirmation": {}, "diagnosis": {}, "plan": {}, "decision": {}, "applied": {}, "progress": {},
              "attempt": 1, "place": 0, "changed": [], "told": False, "observed": False, "wait": 0, "until": "",
              "isolation": {}, "again": 0, "stood_down": {}, "waited": False, "passing": False, "over": {}})
    m.choice("Is it a new incident?", [
        way("$opened.result = 'opened'", "Ask for the symptoms", incident="{% $opened.incident %}",
            sources="{% $opened.sources %}", settings="{% $opened.settings %}", number="{% $opened.number %}",
            until="{% $opened.until %}", wait="{% $opened.settings.check_every_seconds %}"),
        way("$opened.result = 'attached'", "Attach the signal"),
        way("$opened.result = 'decided'", "Record the decision"),
        way("$opened.result = 'declined'", "Decline what was asked for"),
        way("$opened.result = 'report'", "Write the report anew", incident="{% $opened.incident %}"),
    ], "Refuse the input")
    m.succeed("Attach the signal", "The open incident has this signal on its record.", "{% $opened %}")
    m.succeed("Record the decision",
              "What a person decided is on the incident's record; its own execution goes on.", "{% $opened %}")
    m.task("Write the report anew", REPORT, _given("review"), "Incident closed", seconds=120, catch=_PAGE,
           comment="With what people have written about it.")
    m.succeed("Decline what was asked for",
              "A person asked for what cannot be, or came late: the output says why.", "{% $opened %}")
    m.fail("Refuse the input", "RefusedInput", "$opened.reason")


def _initial_response(m: Machine) -> None:
    m.ask("Ask for the symptoms", "confirm", "Confirm the incident",
          "Plan, 1: New Relic for error rates, CloudWatch for connectivity, Splunk for error messages; side by side.",
          _ESCALATE)
    m.task("Confirm the incident", DECIDE, _given("confirm", answers=INPUT, round="{% $round %}"), "Is it confirmed?",
           catch=_ESCALATE, keep={"confirmation": PAYLOAD})
    m.choice("Is it confirmed?", [
        way("$until = 'confirm' and $confirmation.answer = 'confirmed'", "Stand down"),
        way("$confirmation.answer = 'confirmed'", "Assemble the team"),
        way("$confirmation.answer = 'false_alarm'", "Stand down"),
        way("$round < $settings.rounds and $until = '' and $confirmation.late", "Assemble the team meanwhile",
            round=value("$round + 1")),
        way("$round < $settings.rounds", "Wait to ask again", round=value("$round + 1")),
        way("$until != ''", "Stand down"),
    ], "Assemble the team")
    for title, then, comment in (
            ("Assemble the team meanwhile", "Wait to ask again",
             "It is a minute old: people come, whatever the sources say."),
            ("Assemble the team", "Can it be isolated?",
             "Plan, 1: the team is told at once; the rest does not wait for it.")):
        m.task(title, TELL, _given("assemble", confirmation="{% $confirmation %}"), then, comment=comment, seconds=20,
               how="Event", catch=caught(then), output={})
    m.wait("Wait to ask again", "$settings.round_wait_seconds", "Ask for the symptoms")
    m.choice("Can it be isolated?", [way("$confirmation.answer = 'confirmed'", "Ask for failing parts")], "Escalate",
             "What could not be confirmed is for people to look at.")
    m.ask("Ask for failing parts", "isolate", "Isolate the issue",
          "Plan, 1: Kubernetes health checks, to identify failing pods.", _ESCALATE)
    m.task("Isolate the issue", DECIDE, _given("isolate", answers=INPUT, confirmation="{% $confirmation %}"),
           "Is that as far as it should go?", catch=_ESCALATE, keep={"isolation": PAYLOAD},
           comment="Plan, 1: all components, or specific parts?")
    m.choice("Is that as far as it should go?", [way("$until = 'isolate'", "Stand down")],
             "Gather additional information", "A person may have asked for the first phases only.")


def _investigation(m: Machine) -> None:
    m.ask("Gather additional information", "diagnose", "Diagnose the root cause",
          "Plan, 2: recent code deployments and configuration changes, AWS Health, utilisation.", _ESCALATE)
    m.task("Diagnose the root cause", DECIDE, _given("diagnose", answers=INPUT, confirmation="{% $confirmation %}"),
           "Is there a remedy?", comment="Plan, 2: probable root cause analysis.", catch=_ESCALATE,
           keep={"diagnosis": PAYLOAD})
    m.choice("Is there a remedy?", [
        way("$until = 'diagnose'", "Stand down"),
        way("$count($diagnosis.remedies) > 0", "Plan the remedy", place=0, passing=False),
        way("$diagnosis.wait and $not($waited)", "Wait for the recovery", watching="remedy", since=ENTERED,
            wait=_EVERY, waited=True),
        way("($diagnosis.cause = 'unknown' or $diagnosis.unclear) and $attempt < $settings.attempts",
            "Wait for the recovery", **_LOOK),
    ], "Escalate")


def _remedy(m: Machine) -> None:
    function = "{% $diagnosis.remedies[$place].function %}"
    remedy = {"incident": "{% $incident %}", "entered": ENTERED, "number": "{% $number %}",
              "remedy": "{% $diagnosis.remedies[$place] %}"}
    m.task("Plan the remedy", function, {**remedy, "operation": "plan"}, "Check the guardrails", catch=_CHANGED,
           comment="Plan, 3: what would be done, and what is there before it.", keep={"plan": PAYLOAD})
    m.task("Check the guardrails", DECIDE, _given("guard", number="{% $number %}"), "May it be done?", catch=_CHANGED,
           keep={"decision": PAYLOAD, "observed": value("$observed or $states.result.Payload.ruling = 'observe'"),
                 "passing": value("$passing or ($plan.passing and "
                                  "$states.result.Payload.guardrail = 'precondition')")})
    permitted = way("$decision.ruling = 'permitted'", "Apply the remedy")
    m.choice("May it be done?", [permitted, way("$decision.ruling = 'approval'", "Ask for approval")],
             "Is another remedy named?")
    m.task("Ask for approval", TELL,
           _given("approval", number="{% $number %}") | {"token": "{% $states.context.Task.Token %}"},
           "Check what was decided", how=".waitForTaskToken", seconds=900, retry=QUESTION, output={},
           catch=[{"ErrorEquals": ["States.ALL"], "Output": {}, "Next": "Check what was decided"}],
           comment="People are asked. They answer as themselves by IAM or in Slack, or by a link where the risk is "
                   "low. The stack sets how long, from approval.wait_seconds.")
    m.task("Check what was decided", DECIDE, _given("guard", number="{% $number %}", asked=True),
           "May it be done now?", catch=_CHANGED, keep={"decision": PAYLOAD},
           comment="The guardrails once more, for time has passed, with what people said: it is read from the table, "
                   "not from here.")
    m.choice("May it be done now?", [permitted], "Is another remedy named?")
    m.task("Apply the remedy", function, {**remedy, "operation": "apply"}, "Is another remedy named?", catch=_CHANGED,
           comment="Plan, 3: the one state that changes something; a repeat finds its own mark.",
           keep={"applied": PAYLOAD, "told": value("$told or $states.result.Payload.told"), "changed": value(
               "$append($changed, $states.result.Payload.applied and $not($states.result.Payload.told) ? "
               "[{'number': $number, 'remedy': $diagnosis.remedies[$place]}] : [])")})
    another = ("$filter([$place + 1..$count($diagnosis.remedies) - 1], function($i) { "
               "$not($diagnosis.remedies[$i].contested and $exists($changed.remedy[cause = "
               "$diagnosis.remedies[$i].cause and action != $diagnosis.remedies[$i].action])) })[0]")
    m.choice("Is another remedy named?", [
        way(f"$exists({another})", "Plan the remedy", place=value(another), number=value("$number + 1")),
        way("$watching = 'people'", "Wait for the recovery", number=value("$number + 1")),
        way("$count($changed) > 0", "Keep people informed", **_WATCH),
        way("$passing and $attempt < $settings.attempts", "Wait for the recovery", **_LOOK,
            number=value("$number + 1")),
    ], "Escalate", "Two faults at once have two remedies; a remedy may have a second part, such as telling customers. "
                   "A contested one is not applied while another remedy of the same cause is watched: it follows "
                   "where that one did not help.")
    m.choice("Is something to be watched?", [way("$count($changed) > 0", "Keep people informed", **_WATCH)],
             "Escalate", "A step failed; what a remedy before it changed is watched all the same, and taken back "
                         "where it does not help.")


def _watch(m: Machine) -> None:
    for title, do, comment in (
            ("Keep people informed", "inform",
             "Plan, 3: communicate the situation transparently. The watch does not wait for it."),
            ("Remind people", "remind", "Who has a task that nobody has done, and the next person.")):
        m.task(title, TELL, _given(do), "Wait for the recovery", comment=comment, seconds=20, how="Event",
               catch=caught("Wait for the recovery"), output={})
    m.wait("Wait for the recovery", "$wait", "Ask how it goes")
    m.ask("Ask how it goes", "watch", "Monitor the recovery",
          "Plan, 3: closely monitor error rates and system health.", _WATCHED,
          since=value("$watching = 'remedy' ? $since : ''"))
    m.task("Monitor the recovery", DECIDE, _given(
        "monitor", answers=INPUT, watching="{% $watching %}", since="{% $since %}", now=ENTERED,
        changed=value("$count($changed) > 0"), confirmation="{% $confirmation %}"), "Has it recovered?",
        catch=_WATCHED, keep={"progress": PAYLOAD, "wait": "{% $states.result.Payload.wait_seconds %}"})
    m.choice("Do people watch already?", [way("$watching = 'people'", "Stand down")], "Escalate",
             "A watch that fails again and again must not escalate again and again.")
    m.choice("Has it recovered?", [
        way("$progress.answer = 'recovered'", "Stand down"),
        way("$watching = 'look'", "Gather additional information"),
        way("$progress.answer = 'waiting' and $count($progress.due) > 0", "Plan the remedy", place=0,
            diagnosis=value("$merge([$diagnosis, {'remedies': $progress.due, 'onset': $confirmation.onset}])"),
            number="{% $progress.number %}"),
        way("$progress.answer = 'waiting' and $progress.remind", "Remind people"),
        way("$progress.answer = 'waiting'", "Wait for the recovery"),
        way("$watching = 'remedy'", "Take the remedies back"),
    ], "Stand down")
    m.revert("Take the remedies back", "$reverse($changed)", "Take it back", "It stays",
             {"why": value("$progress.answer = 'worse' ? $progress.reason : ''")}, "Is there another hypothesis?",
             comment="What did not help does not stay, unless it had better; the last one first.",
             why="What could not be taken back is on record as applied, for people.", catch=_ESCALATE,
             keep={"changed": [], "attempt": value("$attempt + 1")})
    m.choice("Is there another hypothesis?", [
        way("$attempt <= $settings.attempts", "Gather additional information")], "Escalate")


def _people(m: Machine) -> None:
    m.task("Escalate", TELL, _given("close", operation="escalate", observed=value(
        "$observed and $not($exists($failure.Error))"), why=value(
        "$exists($failure.Error) ? 'the responder failed in a step: ' & $failure.Error : "
        "$progress.answer = 'not_helped' ? 'the remedies did not help' : "
        "$progress.answer = 'worse' ? 'a remedy made it worse and was taken back' : "
        "$told ? 'people have a task: ' & $applied.done : "
        "$applied.applied = false ? 'the remedy could not be applied: ' & $applied.done : "
        "$exists($decision.reason) ? $decision.reason : $exists($diagnosis.summary) ? $diagnosis.summary : "
        "'the sources do not agree on whether there is an outage'")), "Write the interim report", catch=_PAGE,
        comment="Plan, 3: further investigation and collaboration with relevant teams.",
        keep={"watching": "people", "since": ENTERED, "wait": _EVERY})
    m.task("Write the interim report", REPORT, _given("review"), "Wait for the recovery", seconds=100,
           catch=caught("Wait for the recovery"), comment="What is known so far, for those who take over.")


def _review(m: Machine) -> None:
    m.task("Stand down", TELL, _given("close", operation="stand_down", until="{% $until %}",
                                      force=value("$again >= 3")), "Is there something newer?", catch=_PAGE,
           keep={"stood_down": PAYLOAD})
    m.choice("Is there something newer?", [
        way("$stood_down.newer", "Ask for the symptoms", again=value("$again + 1"), until="", round=1, attempt=1,
            watching="", failure={}, confirmation={}, diagnosis={}, decision={}, applied={}, progress={}, changed=[],
            told=False, observed=False, place=0, waited=False)], "Write the postmortem",
        "An alarm that came while this was ending, or while only the first phases were wanted, is looked at.")
    m.task("Write the postmortem", REPORT, _given("review"), "Is something there for the time being?", seconds=120,
           catch=_PAGE, comment="Plan, 4: document the incident, identify improvement opportunities.")
    m.choice("Is something there for the time being?", [
        way("$stood_down.temporary", "Wait until it may be over", wait="{% $stood_down.wait_seconds %}",
            since=ENTERED, failure={})], "Incident closed",
        "More pods, the other provider, a closed node: put back when the reason is gone.")


def _aftercare(m: Machine) -> None:
    m.wait("Wait until it may be over", "$wait", "Ask whether it is over")
    m.ask("Ask whether it is over", "aftercare", "Is it over?", "The cloud's metrics, the providers and the nodes.",
          _LEAVE)
    m.task("Is it over?", DECIDE, _given("aftercare", answers=INPUT, since="{% $since %}", now=ENTERED),
           "Is it to be put back?", catch=_LEAVE,
           keep={"over": PAYLOAD, "wait": "{% $states.result.Payload.wait_seconds %}"})
    m.choice("Is it to be put back?", [
        way("$over.answer = 'put_back'", "Put it back"), way("$over.answer = 'waiting'", "Wait until it may be over"),
        way("$over.answer = 'people'", "Leave it to people")], "Incident closed")
    m.revert("Put it back", "$over.items", "Put one back", "It stays in place",
             {"why": "{% $over.reason %}", "over": True}, "Write the report of the aftercare",
             comment="It helped, and its reason is gone.", catch=_LEAVE,
             why="It is on record as in place, and is looked at again.")
    m.task("Leave it to people", TELL, _given("close", operation="left", why=value(
        "$exists($failure.Error) ? 'the responder failed in a step: ' & $failure.Error & "
        "'; what it did for the time being is in the report' : $over.reason")), "Write the report of the aftercare",
        catch=_PAGE)
    m.task("Write the report of the aftercare", REPORT, _given("review"), "Is anything left?", seconds=120,
           catch=_PAGE, comment="What was put back, or left to people, belongs in it.")
    m.choice("Is anything left?", [
        way("$not($exists($failure.Error))", "Wait until it may be over", wait=_EVERY)], "Incident closed")


def _end(m: Machine) -> None:
    m.succeed("Incident closed")
    m.publish("Page people directly", "The incident responder itself failed",
              "'The incident responder failed for ' & $incident.service & ' (' & $incident.id & '): ' & "
              "$string($failure.Error) & '. Execution: ' & $states.context.Execution.Id & "
              "'. Work through the plan by hand.'", "The responder failed",
              "The last resort, which needs none of the responder's functions.")
    m.fail("The responder failed", "ResponderFailed", "$string($failure.Error) & ': ' & $string($failure.Cause)")
