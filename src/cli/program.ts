import {Command} from 'commander';
import {EXIT_CODES} from '../model/exit-code.ts';
import {agentOrders} from './commands/agent-order.ts';
import {chaos} from './commands/chaos.ts';
import {complete, completion} from './commands/completion.ts';
import {configShow} from './commands/config-show.ts';
import {daemonLogs} from './commands/daemon-logs.ts';
import {daemonMetrics} from './commands/daemon-metrics.ts';
import {daemonStart} from './commands/daemon-start.ts';
import {daemonStatus} from './commands/daemon-status.ts';
import {daemonStop} from './commands/daemon-stop.ts';
import {doctor} from './commands/doctor.ts';
import {hubAudit} from './commands/hub-audit.ts';
import {hubBackup} from './commands/hub-backup.ts';
import {hubCertInit} from './commands/hub-cert-init.ts';
import {hubCertIssue} from './commands/hub-cert-issue.ts';
import {hubCertList} from './commands/hub-cert-list.ts';
import {hubCertRevoke} from './commands/hub-cert-revoke.ts';
import {hubKeyList} from './commands/hub-key-list.ts';
import {hubKeyRemove} from './commands/hub-key-remove.ts';
import {hubRestore} from './commands/hub-restore.ts';
import {hubSealRewrap} from './commands/hub-seal-rewrap.ts';
import {hubSealRotate} from './commands/hub-seal-rotate.ts';
import {hubServe} from './commands/hub-serve.ts';
import {hubSessions} from './commands/hub-sessions.ts';
import {hubStatus} from './commands/hub-status.ts';
import {hubTokenCreate} from './commands/hub-token-create.ts';
import {hubTokenList} from './commands/hub-token-list.ts';
import {hubTokenRevoke} from './commands/hub-token-revoke.ts';
import {hubTokenRotate} from './commands/hub-token-rotate.ts';
import {hubVerify} from './commands/hub-verify.ts';
import {memoryAdd} from './commands/memory-add.ts';
import {memoryExport} from './commands/memory-export.ts';
import {memoryForget} from './commands/memory-forget.ts';
import {memoryImport} from './commands/memory-import.ts';
import {memoryQuarantine} from './commands/memory-quarantine.ts';
import {memorySearch} from './commands/memory-search.ts';
import {memoryShow} from './commands/memory-show.ts';
import {memoryStats} from './commands/memory-stats.ts';
import {memoryVote} from './commands/memory-vote.ts';
import {planCheck} from './commands/plan-check.ts';
import {planMake} from './commands/plan-make.ts';
import {planRecipes} from './commands/plan-recipes.ts';
import {runtimes} from './commands/runtimes.ts';
import {recoverApply} from './commands/recover-apply.ts';
import {recoverClean} from './commands/recover-clean.ts';
import {recoverList} from './commands/recover-list.ts';
import {recoverShow} from './commands/recover-show.ts';
import {teamAgents} from './commands/team-agents.ts';
import {teamCost} from './commands/team-cost.ts';
import {teamDiff} from './commands/team-diff.ts';
import {teamExplain} from './commands/team-explain.ts';
import {teamKill} from './commands/team-kill.ts';
import {teamList} from './commands/team-list.ts';
import {teamLogs} from './commands/team-logs.ts';
import {teamMerge} from './commands/team-merge.ts';
import {teamPause} from './commands/team-pause.ts';
import {teamPr} from './commands/team-pr.ts';
import {teamResume} from './commands/team-resume.ts';
import {teamRetry} from './commands/team-retry.ts';
import {teamRm} from './commands/team-rm.ts';
import {teamRun} from './commands/team-run.ts';
import {teamScale} from './commands/team-scale.ts';
import {teamSpawn} from './commands/team-spawn.ts';
import {teamStatus} from './commands/team-status.ts';
import {teamWait} from './commands/team-wait.ts';
import {version} from './commands/version.ts';
import type {Runner} from './define.ts';
import {globalOptions} from './global-options.ts';

/** The whole command line as commander sees it. Definitions are light; each action loads what it needs when it runs. */
export function buildProgram(run: Runner): Command {
  const program = new Command('godel')
    .description('Run one plan on many agents, and be told the truth about it.')
    .configureHelp({showGlobalOptions: true, sortSubcommands: false})
    .helpCommand(false)
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', `\nExit codes:\n${exitCodeLines().join('\n')}`);
  for (const option of globalOptions()) program.addOption(option);
  program.addCommand(
    group('team', 'Spawn teams of agents, watch them and end them', [
      teamSpawn(run),
      teamStatus(run),
      teamList(run),
      teamAgents(run),
      teamExplain(run),
      teamLogs(run),
      teamCost(run),
      teamWait(run),
      teamKill(run),
      teamScale(run),
      teamRun(run),
      teamRetry(run),
      teamPause(run),
      teamResume(run),
      teamDiff(run),
      teamMerge(run),
      teamPr(run),
      teamRm(run),
    ]),
  );
  program.addCommand(group('agent', 'Single agents of a team; `godel team agents` shows them', agentOrders(run)));
  program.addCommand(grouped(planMake(run), [planCheck(run), planRecipes(run)]));
  program.addCommand(
    group('recover', 'Find and use the work of agents that was kept, merged or not; needs no daemon', [
      recoverList(run),
      recoverShow(run),
      recoverApply(run),
      recoverClean(run),
    ]),
  );
  program.addCommand(
    group('daemon', "The project's daemon; team commands start it by themselves", [
      daemonStart(run),
      daemonStop(run),
      daemonStatus(run),
      daemonLogs(run),
      daemonMetrics(run),
    ]),
  );
  program.addCommand(
    group('hub', 'A hub of your own: what agents remember, shared over machines and kept', [
      hubServe(run),
      hubStatus(run),
      hubSessions(run),
      hubAudit(run),
      group('token', 'Tokens, which say who an agent is and what it may do', [
        hubTokenCreate(run),
        hubTokenRevoke(run),
        hubTokenList(run),
        hubTokenRotate(run),
      ]),
      group('cert', 'Certificates, for hubs that ask agents for them', [
        hubCertInit(run),
        hubCertIssue(run),
        hubCertRevoke(run),
        hubCertList(run),
      ]),
      group('key', 'Public keys that agents sign what they remember with', [hubKeyList(run), hubKeyRemove(run)]),
      group('seal', 'Keys of a hub that seals what it keeps', [hubSealRotate(run), hubSealRewrap(run)]),
      hubBackup(run),
      hubRestore(run),
      hubVerify(run),
    ]),
  );
  program.addCommand(
    group('memory', 'What attempts have learned: look, add, change, take it elsewhere', [
      memorySearch(run),
      memoryShow(run),
      memoryAdd(run),
      memoryVote(run),
      memoryForget(run),
      memoryQuarantine(run),
      memoryExport(run),
      memoryImport(run),
      memoryStats(run),
    ]),
  );
  program.addCommand(group('config', 'Settings and where they come from', [configShow(run)]));
  program.addCommand(runtimes(run));
  program.addCommand(chaos(run));
  program.addCommand(doctor(run));
  program.addCommand(completion(run));
  program.addCommand(version(run));
  program.addCommand(
    complete(run, () => program),
    {hidden: true},
  );
  inherit(program, program.commands);
  return program;
}

function group(name: string, description: string, commands: readonly Command[]): Command {
  return grouped(new Command(name).description(description), commands);
}

function grouped(parent: Command, commands: readonly Command[]): Command {
  for (const command of commands) parent.addCommand(command);
  return parent;
}

/** Commands made on their own do not inherit how help and errors are handled; those of the program hold for all. */
function inherit(parent: Command, commands: readonly Command[]): void {
  for (const command of commands) {
    command.copyInheritedSettings(parent).helpCommand(false).helpOption('-h, --help', 'show this help');
    inherit(parent, command.commands);
  }
}

function exitCodeLines(): string[] {
  return Object.values(EXIT_CODES).map(({code, meaning}) => `  ${String(code).padStart(3)}  ${meaning}`);
}
