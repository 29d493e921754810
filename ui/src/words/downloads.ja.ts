import type { shop as en } from "./downloads.en";

/** ダウンロードとその入手元 */
export const shop: typeof en = {
  downloads: "ダウンロード",
  downloadsHint: "一つずつ順番にダウンロードします。取り消すと、それまでにダウンロードした分は削除されます。",
  downloadWaiting: "{name} は順番を待っています。",
  downloadAsking: "{name} のファイル情報を問い合わせています…",
  downloadRunning: "{name} をダウンロードしています：{total} のうち {done}",
  downloadLeft: "{name} をダウンロードしています：{total} のうち {done}、残り約 {time}",
  downloadChecking: "{name} のファイルを確認しています…",
  downloadMaking: "{name} に必要な小さい版を作成しています…",
  downloadPaused: "{name} は一時停止中です。",
  downloadPausedAt: "{name} は {total} のうち {done} で一時停止中です。",
  downloadReady: "{name} の準備ができました。この回答の後に切り替わります。",
  downloadBegan: "{name} のダウンロードを始めました。",
  downloadDone: "{name} をダウンロードしました。",
  draftLeftOut: "下書きモデルのうち一つは使わず、ダウンロードもしません：{why}",
  downloadWithout: "{name} は、下書きモデルの一部を除いてダウンロードします。",
  downloadBroke: "{name} のダウンロードに失敗しました。",
  downloadsMore: "ほかに {n} 件が待っています。",
  pauseDownload: "一時停止",
  resumeDownload: "再開",
  dropDownload: "取り消す",
  droppedDownload: "「{name}」のダウンロードを取り消しました。",

  // 設定
  sectionDownloads: "ダウンロード",
  mirror: "モデルの取得先",
  mirrorHint: "通常の配布元の代わりにモデルを取得するサーバーのアドレスです（社内サーバーなど）。空欄なら通常の配布元を使います。",
  mirrorExample: "https://models.example.com",
  proxy: "プロキシ",
  proxyHint: "ダウンロードに使うプロキシのアドレスです。空欄ならシステムの設定に従います。",
  token: "モデル配布元のアクセストークン",
  tokenHint: "ログインが必要なモデルにだけ使います。このパソコンのパスワード保管機能（キーリング）に保存し、再び表示することはありません。",
  tokenKept: "アクセストークンは、このパソコンのパスワード保管機能（キーリング）に保存されています。",
  tokenKeep: "保存",
};
