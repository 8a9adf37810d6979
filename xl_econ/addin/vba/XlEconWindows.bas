Attribute VB_Name = "XlEconWindows"
' What is asked of Windows, and nothing else: a variable, a file, a dictionary, a library and one call into it.
' XlEconServer decides what may be asked; tests put a stand-in in the place of this module.
Option Explicit
Option Private Module

Private Const FROM_ITS_FOLDER As Long = &H100  ' LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR: never from the current folder
Private Const FROM_SYSTEM32 As Long = &H800
Private Const AS_UNICODE As Long = -1
Private Const START_IF_NEEDED As Long = 1

#If Win64 Then
    Public Const XL_ECON_BITS As String = "64"
    Private Declare PtrSafe Function ActivateServer Lib "xlwings64-@XLWINGS@.dll" Alias "XLPyDLLActivateAuto" (ByRef answer As Variant, ByVal command As String, ByVal mode As Long) As Long
#Else
    Public Const XL_ECON_BITS As String = "32"
    Private Declare PtrSafe Function ActivateServer Lib "xlwings32-@XLWINGS@.dll" Alias "XLPyDLLActivateAuto" (ByRef answer As Variant, ByVal command As String, ByVal mode As Long) As Long
#End If
Private Declare PtrSafe Function LoadLibraryExW Lib "kernel32" (ByVal path As LongPtr, ByVal reserved As LongPtr, ByVal flags As Long) As LongPtr
Private Declare PtrSafe Function GetEnvironmentVariableW Lib "kernel32" (ByVal name As LongPtr, ByVal found As LongPtr, ByVal size As Long) As Long

' The folder of this user's programs; "" if Windows does not say, or on a Mac.
Public Function XlEconLocalFolder() As String
    #If Not Mac Then
        Dim found As String, length As Long
        found = String$(32767, vbNullChar)
        length = GetEnvironmentVariableW(StrPtr("LOCALAPPDATA"), StrPtr(found), Len(found))
        XlEconLocalFolder = Left$(found, length)
    #End If
End Function

Public Function XlEconFileExists(ByVal path As String) As Boolean
    XlEconFileExists = CreateObject("Scripting.FileSystemObject").FileExists(path)
End Function

' A text file in UTF-16, whole.
Public Function XlEconTextOf(ByVal path As String) As String
    With CreateObject("Scripting.FileSystemObject").OpenTextFile(path, 1, False, AS_UNICODE)
        XlEconTextOf = .ReadAll
        .Close
    End With
End Function

Public Function XlEconDictionary() As Object
    Set XlEconDictionary = CreateObject("Scripting.Dictionary")
End Function

' Whether the command survives the code page of this Windows: the library takes no other letters.
Public Function XlEconIsAnsi(ByVal text As String) As Boolean
    XlEconIsAnsi = (StrConv(StrConv(text, vbFromUnicode), vbUnicode) = text)
End Function

' The library is loaded by its absolute path. Windows then finds it loaded when ActivateServer names it.
Public Function XlEconLoadLibrary(ByVal path As String) As Boolean
    XlEconLoadLibrary = (LoadLibraryExW(StrPtr(path), 0, FROM_ITS_FOLDER Or FROM_SYSTEM32) <> 0)
End Function

' 0 and the server, or another number and why not.
Public Function XlEconActivate(ByRef answer As Variant, ByVal command As String) As Long
    XlEconActivate = ActivateServer(answer, command, START_IF_NEEDED)
End Function
