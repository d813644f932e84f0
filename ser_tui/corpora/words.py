"""The words for emotions in the languages of speech-emotion corpora: one table, by emotion and language.

What is not here on purpose: single letters (EmoDB's W, L, E are codes of one corpus), words that mean another emotion in
another language or that researchers use beside the plain word for something stronger (rage, terror, grief), and words that
name intensities as well (normal, natural).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

WORDS: Mapping[str, str] = {
    "anger": """
        anger angry ang
        wut wütend wuetend ärger aerger ärgerlich aergerlich verärgert zorn zornig | colère colere | rabbia arrabbiato arrabbiata
        rabbioso rabbiosa collera ira enojo enfado enfadado enfadada enojado enojada rabia | raiva zangado | złość zlosc gniew |
        kızgın kizgin öfke ofke öfkeli sinirli
        ghussa gussa غصہ | nadet quta ንዴት ቁጣ ተናዳጅ | khashm asabani asabaniyat خشم عصبانیت عصبانی | ghadab غضب غاضب
        θυμός thymos thumos οργή | гнев злость злой gnev zlost | 怒り 怒 ikari okori | 生气 愤怒 生氣 憤怒 shengqi fennu
        분노 화남 | hněv hnev vztek | harag | viha | woede boos | marah | furie | क्रोध गुस्सा
    """,
    "boredom": """
        boredom bored langeweile gelangweilt ennui noia annoiato annoiata aburrimiento aburrido aburrida tédio tedio nuda can_sıkıntısı
        скука skuka 無聊 无聊 wuliao 退屈 taikutsu 지루함 verveling
    """,
    "calm": """
        calm calmness ruhe ruhig gelassenheit calme calma calmo tranquilo spokój spokoj spokojny sakin
        спокойствие spokoystvie 平静 平靜 冷静 冷靜 pingjing هدوء tenang 평온
    """,
    "contempt": """
        contempt contemptuous verachtung mépris mepris disprezzo desprecio desprezo pogarda презрение prezrenie
        轻蔑 輕蔑 蔑视 蔑視 軽蔑 keibetsu 경멸 ازدراء
    """,
    "disgust": """
        disgust disgusted dis ekel angeekelt angewidert dégoût degout disgusto disgustato disgustata asco nojo wstręt wstret
        obrzydzenie iğrenme igrenme tiksinme tiksinti
        tanaffor تنفر انزجار اشمئزاز قرف αηδία aidia отвращение otvrashchenie otvraschenie 嫌悪 keno 厌恶 厭惡 恶心 反感 yanwu
        혐오 역겨움 znechucení znechuceni undor walging jijik घृणा
    """,
    "excitement": """
        excitement excited exc aufregung aufgeregt excitation eccitazione excitación excitacion excitação 兴奋 興奮 xingfen
        возбуждение 흥분 heyecan
    """,
    "fear": """
        fear fearful fea afraid anxiety anxious scared frightened angst ängstlich aengstlich furcht peur paura spaventato spaventata
        impaurito impaurita miedo temor medo
        strach korku korkmuş korkmus khauf khof خوف firhat ferhat ፍርሃት ፍርሀት ፈሪ tars ترس khawf φόβος fovos phobos
        страх strakh strah 恐れ 恐怖 恐 osore kyofu 害怕 恐惧 恐懼 惊恐 驚恐 焦虑 焦慮 haipa kongju 공포 두려움 무서움
        félelem felelem pelko takut frica frică डर भय
    """,
    "frustration": """
        frustration frustrated fru frustriert frustrazione frustración frustracion frustração hayal_kırıklığı hayal_kirikligi
        фрустрация
    """,
    "happiness": """
        happiness happy hap joy joyful freude fröhlich froehlich glücklich gluecklich joie joyeux heureux gioia gioioso gioiosa felicità
        felicita felice alegría alegria alegre felicidad felicidade feliz radość radosc szczęście szczescie mutlu mutluluk sevinç sevinc
        neşe nese khushi خوشی desta ደስታ ደስተኛ shadi شادی خوشحال خوشحالی farah فرح سعادة سعيد saada saeada χαρά chara xara
        радость счастье radost schastye schastie 喜び 喜 yorokobi 楽しい 嬉しい 快乐 高兴 开心 喜悦 快樂 高興 開心 喜悅 kuaile gaoxing
        kaixin 기쁨 행복 štěstí stesti öröm orom ilo rõõm vreugde blij senang bahagia bucurie खुशी
    """,
    "neutral": """
        neutral neu neutrality neutre neutrale neutralità neutralita neutro neutra neutralidad neutralny neutralne neutralność
        neutralnosc nötr notr nötür ghair_janibdar غیر_جانبدار geleltegna ገለልተኛ khonsa khonsi khanthi خنثی محايد muhayid mohayed
        ουδέτερο ουδέτερος oudetero нейтральный нейтральная нейтральное нейтрально neitralno neutralno 中立 churitsu 中性
        zhongli zhongxing 중립 neutrální neutralni semleges neutraali neutraalne neutraal netral neutru तटस्थ
    """,
    "sadness": """
        sadness sad sorrow trauer traurig traurigkeit tristesse triste tristezza tristeza smutek smutny üzgün uzgun üzüntü uzuntu
        hüzün huzun hüzünlü udas udaas udasi اداس اداسی hazen ሀዘን ሐዘን ኀዘን gham ghamgin ghamgini غم غمگین غمگینی huzn hozn حزن
        حزين λύπη lypi lupi θλίψη thlipsi грусть печаль грустный grust pechal 悲しみ 悲 哀 kanashimi 伤心 悲伤 难过 傷心 悲傷 難過
        shangxin beishang nanguo 슬픔 smutok szomorúság szomorusag suru kurbus verdriet sedih tristețe tristete दुख उदास उदासी
    """,
    "surprise": """
        surprise surprised suprise suprised sur ps pleasant_surprise pleasant_surprised überraschung ueberraschung überrascht
        ueberrascht sorpresa sorpreso surpresa zaskoczenie zaskoczony zdziwienie şaşkın saskin şaşkınlık saskinlik şaşırmış hairat
        حیرت megerem መገረም taajob taajjob ta'ajob تعجب مفاجأة دهشة mufajaa έκπληξη ekplixi ekplhksh удивление udivlenie 驚き 驚 惊
        odoroki 惊讶 吃惊 惊喜 惊奇 驚訝 吃驚 驚喜 驚奇 jingya chijing 놀람 překvapení prekvapeni meglepetés meglepetes verrassing
        terkejut kaget surprins आश्चर्य
    """,
    "amusement": "amusement amused",
    "apology": "apology apologetic",
    "assertiveness": "assertiveness assertive",
    "concern": "concern concerned",
    "encouragement": "encouragement encouraging",
    "sleepiness": "sleepiness sleepy",
    "other": "other oth",
}
"""Emotion -> its words; _ stands for a blank, | only parts languages."""

_AFFECTIVE = """
    positive negative nonnegative non_negative pos_neg rage terror panic grief pride proud shame guilt guilty love hate hatred relief
    relieved desire interest interested tired sleepy stress stressed unstressed nonstressed non_stressed relaxed emotional nonemotional
    non_emotional sarcastic sarcasm irony ironic irritated irritation annoyed annoyance despair elation enthusiastic enthusiasm hope
    disappointment disappointed confused confusion worried worry confident doubt pain painful pleasure tender tenderness admiration
    hot_anger cold_anger depressed depression lonely embarrassed nervous aroused high_arousal low_arousal
"""
AFFECTIVE = frozenset(_AFFECTIVE.split())
"""Words that no parser uses for a class, and that say all the same that the folders beside them are about feelings."""

_PLAIN = str.maketrans({"ł": "l", "ı": "i", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "|": " "})
_BETWEEN = re.compile(r"[\s_-]+")


@lru_cache(maxsize=4096)
def folded(word: str) -> str:
    """`word` without case, accents and blanks around it, and with _ between its parts: "Colère " and colere are one word."""
    text = unicodedata.normalize("NFKC", word).casefold().translate(_PLAIN)
    text = "".join(sign for sign in unicodedata.normalize("NFKD", text) if unicodedata.category(sign) != "Mn")
    return _BETWEEN.sub("_", unicodedata.normalize("NFC", text).strip(" _-\t\r\n"))


MEANINGS: Mapping[str, str] = {folded(word): emotion for emotion, words in WORDS.items() for word in words.replace("|", " ").split()}
"""Folded word -> emotion."""

CODES = frozenset({"ang", "dis", "exc", "fea", "fru", "hap", "neu", "oth", "ps", "sur", "ira", "ilo", "suru", "tars"})
"""Known words that are no evidence within a longer name: sur_01, dis-track."""

_NAMES = """
    joy hope grace love desire pride merry calm ira felice felix gioia alegria rabia farah shadi desta khushi sevinç sevinc neşe nese
    mutlu marah feliz ilo suru dolores tristan serena amor beatrix huzun hozn saada
"""
GIVEN_NAMES = frozenset(folded(name) for name in _NAMES.split())
"""Words that are people's names too: a folder so called may be a speaker's."""
