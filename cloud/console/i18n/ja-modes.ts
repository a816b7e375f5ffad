/** Japanese for operating modes: choosing their tag, which modes a model knows, and how each did in the past. */
import type { enModes } from './en-modes.ts'

export const jaModes = {
  'mode.label': '運転モード（任意）',
  'mode.text': 'このタグの値ごとにモデルを作ります。データが足りないモードは「不明」のままです。',
  'mode.none': 'すべての運転に一つのモデル',
  'mode.option': '{name}：{values}',
  'mode.by': '運転モード（{tag}）',
  'mode.rows': '{mode}：{rows} 行、しきい値 {threshold}',
  'mode.too-few': '{mode}：{rows} 行。モデルを作るには足りないため「不明」のままです。',
  'mode.list': '運転モード別',
  'mode.name': 'モード',
  'mode.count': '行数',
  'mode.scored': '判定できた割合',
  'mode.alarms': '警報',
  'mode.unlearned': '未学習',
  'unjudged.title': '判定できなかった行',
  'unjudged.share': '行の{percent}を判定できませんでした',
  'unjudged.bad': '行の{percent}で値が不良',
  'unjudged.stale': '行の{percent}で値が古い',
  'unjudged.silent': '行の{percent}で値が来ない',
  'unjudged.not-a-number': '行の{percent}で値が数値でない',
  'unjudged.what-to-do':
    'この間、機械は見守られていません。センサーを直すか、次の操作を行ってください：',
  'unjudged.train': 'このタグを除いてモデルを学習する',
  'said.mode': 'モード {mode}',
  'said.mode-unknown': '運転モードが不明です',
  'said.mode-unlearned': 'モード「{mode}」は学習していません。',
  'said.mode-no-case': 'モード「{mode}」での既知の案件はありません。',
  'said.mode-begins': 'モード「{mode}」が始まりました。落ち着くまで {rows} 行中 {row} 行',
} as const satisfies Record<keyof typeof enModes, string>
